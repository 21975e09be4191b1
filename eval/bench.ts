/** `npm run bench -- <what>`: measurements with reports. No tests: nothing passes or fails here. */
import { Command } from 'commander';

const program = new Command('bench').description('measure the shop on this machine');

program
  .command('purchases')
  .description('orders/s, latencies and CPU by role, beside plain SQL and a bare server')
  .option('--seconds <n>', 'length of each measurement', '10')
  .option('--connections <n>', 'concurrent buyers', '1024')
  .option('--rounds <n>', 'comparisons with plain SQL and a bare server', '3')
  .action(async (options: { seconds: string; connections: string; rounds: string }) => {
    const { benchPurchases } = await import('./bench/purchases.ts');
    await benchPurchases({
      seconds: Number(options.seconds),
      connections: Number(options.connections),
      rounds: Number(options.rounds),
    });
  });

program
  .command('backlog')
  .description('intake, claims and memory while up to a million checkouts wait')
  .option('--depths <list>', 'depths of the queue to stop at', '1000,10000,100000,1000000')
  .option('--connections <n>', 'concurrent buyers', '1024')
  .action(async (options: { depths: string; connections: string }) => {
    const { benchBacklog } = await import('./bench/backlog.ts');
    await benchBacklog({
      depths: options.depths.split(',').map(Number),
      connections: Number(options.connections),
    });
  });

program
  .command('quorum')
  .description('what it costs that every commit is on two of three disks')
  .option('--seconds <n>', 'length of each measurement', '8')
  .option('--connections <n>', 'concurrent buyers', '1024')
  .option('--rounds <n>', 'the trio and its leader alone, in turn', '3')
  .action(async (options: { seconds: string; connections: string; rounds: string }) => {
    const { benchQuorum } = await import('./bench/quorum.ts');
    await benchQuorum({
      seconds: Number(options.seconds),
      connections: Number(options.connections),
      rounds: Number(options.rounds),
    });
  });

program
  .command('encryption')
  .description('what TLS between the services and to the databases costs')
  .option('--seconds <n>', 'length of each measurement', '8')
  .option('--connections <n>', 'concurrent buyers', '1024')
  .option('--rounds <n>', 'plain and encrypted, in turn', '3')
  .action(async (options: { seconds: string; connections: string; rounds: string }) => {
    const { benchEncryption } = await import('./bench/encryption.ts');
    await benchEncryption({
      seconds: Number(options.seconds),
      connections: Number(options.connections),
      rounds: Number(options.rounds),
    });
  });

program
  .command('reads')
  .description('cached and uncached reads, beside a bare server (and NGINX where installed)')
  .action(async () => {
    const { benchReads } = await import('./bench/reads.ts');
    await benchReads();
  });

program
  .command('freshness')
  .description('age of what two gateways show while one product sells fast, and their hit rate')
  .action(async () => {
    const { benchFreshness } = await import('./bench/freshness.ts');
    await benchFreshness();
  });

program
  .command('fan-out')
  .description('what it costs the catalog to stream changes to one, two, four and eight gateways')
  .option('--seconds <n>', 'length of each measurement', '15')
  .action(async (options: { seconds: string }) => {
    const { benchFanOut } = await import('./bench/fan-out.ts');
    await benchFanOut(Number(options.seconds));
  });

program
  .command('elastic')
  .description('a spike, a step, steady noise and silence: how the workers follow')
  .action(async () => {
    const { benchElastic } = await import('./bench/elastic.ts');
    await benchElastic();
  });

program
  .command('flood')
  .description('ten times the capacity of a service: what is let in, how fast, at what memory')
  .action(async () => {
    const { benchFlood } = await import('./bench/flood.ts');
    await benchFlood();
  });

program
  .command('slow-clients')
  .description('5,000 connections that send one byte a second: do others notice?')
  .action(async () => {
    const { benchSlowClients } = await import('./bench/slow-clients.ts');
    await benchSlowClients();
  });

program
  .command('attacks')
  .description('cheap attacks, and beside each one honest buyer a second: is she served in time?')
  .option('--seconds <n>', 'length of each attack', '20')
  .option('--only <text>', 'attacks whose name has it', '')
  .action(async (options: { seconds: string; only: string }) => {
    const { benchAttacks } = await import('./bench/attacks.ts');
    await benchAttacks(Number(options.seconds), options.only);
  });

await program.parseAsync();

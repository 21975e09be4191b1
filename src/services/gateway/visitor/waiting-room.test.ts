import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeService, fakeShop } from '../../../../test/gateway/fake-shop.ts';
import { Clients } from './client.ts';
import { noLimits, openClientLimits } from './client-limits.ts';
import { WaitingLine } from './waiting-line.ts';
import { WaitingRoom } from './waiting-room.ts';

describe('the waiting line', () => {
  test('admits at once while fewer come than the rate', () => {
    const line = new WaitingLine(0, 10);
    for (let now = 0; now < 10_000; now += 200) {
      const ticket = line.arrive(now, 10) ?? Number.NaN;
      expect(line.place(ticket, now, 10).position).toBe(0);
    }
  });

  test('gives place and time to those above the rate, and admits them in order', () => {
    const line = new WaitingLine(0, 10);
    const tickets = Array.from({ length: 40 }, () => line.arrive(0, 10) ?? Number.NaN);
    expect(line.place(tickets[9] ?? 0, 0, 10)).toEqual({ position: 0, etaSeconds: 0 });
    expect(line.place(tickets[10] ?? 0, 0, 10)).toEqual({ position: 1, etaSeconds: 1 });
    expect(line.place(tickets[39] ?? 0, 0, 10)).toEqual({ position: 30, etaSeconds: 3 });
    expect(line.place(tickets[39] ?? 0, 1_000, 10).position).toBe(20);
    expect(line.place(tickets[39] ?? 0, 3_100, 10).position).toBe(0);
  });

  test('is full at its limit', () => {
    const line = new WaitingLine(0, 1, 3);
    for (let i = 0; i < 4; i += 1) expect(line.arrive(0, 1)).not.toBeNull();
    expect(line.arrive(0, 1)).toBeNull();
  });

  test('never admits anybody before an earlier arrival, nor more than the rate allows', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 200 }), { size: 'max', maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 50 }), (all, rate) => {
        const line = new WaitingLine(0, rate);
        const tickets: number[] = [];
        const isAdmitted = new Set<number>();
        let now = 0;
        for (const gap of all) {
          now += gap;
          const ticket = line.arrive(now, rate);
          if (ticket !== null) tickets.push(ticket);
          let someoneWaits = false;
          let admittedNow = 0;
          for (const each of tickets) {
            const { position } = line.place(each, now, rate);
            if (position > 0) {
              expect(isAdmitted.has(each)).toBe(false); // once admitted, always admitted
              someoneWaits = true;
            } else {
              expect(someoneWaits).toBe(false);
              isAdmitted.add(each);
            }
            if (position === 0) admittedNow += 1;
          }
          expect(admittedNow).toBeLessThanOrEqual(rate + (now / 1_000) * rate + 1);
        }
      }),
      { numRuns: 40 },
    );
  });
});

async function busyShop(isGone: (path: string) => boolean = () => false, limits = noLimits) {
  let now = 1_000_000;
  const waitingRoom = new WaitingRoom({
    ratePerSecond: 1,
    key: Buffer.alloc(32, 3),
    now: () => now,
    gateways: () => 1,
    isGone,
  });
  const storefront = await fakeService('storefront', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Teddy</h1>');
  });
  // The test speaks for visitors from anywhere, as a trusted proxy does.
  const clients = new Clients(() => true, 'http');
  const shop = await fakeShop([storefront], { waitingRoom, clients, limits });
  const visit = async (cookie = '', path = '/products/teddy', from = '192.0.2.1') => {
    const headers = { accept: 'text/html', cookie, 'x-forwarded-for': from };
    const answer = await fetch(shop.url + path, { headers });
    const place = answer.headers.get('set-cookie')?.split(';', 1)[0];
    return { status: answer.status, headers: answer.headers, text: await answer.text(), place };
  };
  return {
    shop,
    visit,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      await storefront[Symbol.asyncDispose]();
    },
  };
}

describe('the waiting room', () => {
  test('shows place and time, keeps the place across a reload, and admits in order', async () => {
    await using busy = await busyShop();
    expect((await busy.visit()).text).toBe('<h1>Teddy</h1>');
    const second = await busy.visit();
    const third = await busy.visit();
    expect([second.status, third.status]).toEqual([503, 503]);
    expect(third.text).toContain('Your place is 2, and it will be your turn in about 2 seconds');
    expect(third.text).toContain('<meta http-equiv="refresh"');
    const again = await busy.visit(third.place);
    expect(again.text).toContain('Your place is 2');
    expect(again.place).toBeUndefined();
    busy.pass(1_000);
    expect((await busy.visit(second.place)).status).toBe(200);
    expect((await busy.visit(third.place)).text).toContain('Your place is 1');
    busy.pass(1_000);
    expect((await busy.visit(third.place)).status).toBe(200);
  });

  test('ignores a place that it did not sign', async () => {
    await using busy = await busyShop();
    await busy.visit();
    await busy.visit();
    const forged = `place=1.000.${'A'.repeat(8)}.${'A'.repeat(22)}`;
    expect((await busy.visit(forged)).text).toContain('Your place is 2');
  });

  test('holds back purchases too, as a problem with place and Retry-After', async () => {
    await using busy = await busyShop();
    await busy.visit();
    const refused = await fetch(`${busy.shop.url}/api/orders`, { method: 'POST' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await refused.json()).toMatchObject({ position: 1, etaSeconds: 1 });
    const cookie = refused.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    busy.pass(1_000);
    const headers = { cookie };
    const bought = await fetch(`${busy.shop.url}/api/orders`, { method: 'POST', headers });
    expect(await bought.text()).toBe('buy');
  });

  test.each(['/api/%6frders', '/api/order%73?.css', '/%61pi/orders'])(
    'a purchase at %s waits like every other',
    async (path) => {
      await using busy = await busyShop();
      await busy.visit();
      const refused = await fetch(busy.shop.url + path, { method: 'POST' });
      expect([refused.status, (await refused.json()).position]).toEqual([503, 1]);
    },
  );

  test.each(['/products/teddy?.css', '/products/%74eddy', '/products/teddy.css', '/?/assets/x.js'])(
    'the page at %s waits like every other, whatever its visitor accepts',
    async (path) => {
      await using busy = await busyShop();
      await busy.visit();
      const refused = await fetch(busy.shop.url + path, { headers: { accept: 'image/png' } });
      expect([refused.status, (await refused.json()).position]).toEqual([503, 1]);
    },
  );

  test('one place admits four networks, the fifth must wait', async () => {
    await using busy = await busyShop();
    const { place } = await busy.visit();
    const statuses = [];
    for (let i = 1; i <= 40; i += 1) {
      statuses.push((await busy.visit(place, '/', `192.0.2.${i}`)).status);
    }
    expect(statuses.filter((status) => status === 200).length).toBe(4);
    expect((await busy.visit(place, '/', '192.0.2.2')).status).toBe(200); // still its visitor's
  });

  test('one address cannot make the line endless: it gets 600 places a minute', async () => {
    await using busy = await busyShop(() => false, openClientLimits());
    for (let i = 0; i < 600; i += 1) await busy.visit();
    expect((await busy.visit()).status).toBe(429);
    const other = await busy.visit('', '/', '192.0.2.2');
    expect([other.status, other.text.includes('Your place is 600')]).toEqual([503, true]);
    expect((await busy.visit(other.place, '/', '192.0.2.2')).status).toBe(503); // and keeps it
  });

  test('admits everyone to the page of a sold-out product', async () => {
    await using busy = await busyShop((path) => path === '/products/teddy');
    for (let i = 0; i < 3; i += 1) expect((await busy.visit()).status).toBe(200);
    expect((await busy.visit('', '/products/duck')).status).toBe(503);
  });

  test('does not hold back data, pictures and orders', async () => {
    await using busy = await busyShop();
    for (let i = 0; i < 3; i += 1) await busy.visit();
    expect((await busy.visit('', '/media/teddy.svg')).status).toBe(200);
    expect((await busy.visit('', '/api/checkouts/1')).text).toBe('checkout');
  });
});

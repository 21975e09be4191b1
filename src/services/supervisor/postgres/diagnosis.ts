/**
 * Why the database takes no orders, in one sentence for the owner: the state of each node,
 * PostgreSQL's own reason, and what to do. Nothing depends on this: the trio heals what it can.
 */
import type { Trio } from './trio.ts';
import type { TrioNode } from './trio-node.ts';

/** An election takes a second, crash recovery some more: until then nothing is reported. */
const firstReportMs = 6_000;
const lookEveryMs = 1_000;
/** A changed sentence is said after this, the next after twice as long, and so on. */
const againMsMin = 10_000;
const againMsMax = 300_000;

/** Looks for as long as the trio is looked after. Returns the way to stop. */
export function watchService(trio: Trio, say: (sentence: string) => void): () => void {
  let dueAt = performance.now() + firstReportMs;
  let againMs = againMsMin;
  let said = '';
  const timer = setInterval(() => {
    const now = performance.now();
    const { leader, followers } = trio.publication;
    // a commit needs a follower
    if (leader !== null && followers.length > 0) {
      if (said !== '') say('the database takes orders again');
      [dueAt, againMs, said] = [now + firstReportMs, againMsMin, ''];
      return;
    }
    const sentence = now < dueAt ? said : whyNotServing(trio);
    if (sentence === said) return;
    say(sentence);
    said = sentence;
    dueAt = now + againMs;
    againMs = Math.min(againMsMax, 2 * againMs);
  }, lookEveryMs);
  return () => clearInterval(timer);
}

export function whyNotServing(trio: Trio): string {
  const nodes = [...trio.members.values()];
  const seen = nodes.map((member) => `${member.node.id} ${stateOf(trio, member)}`).join('; ');
  return `no database can take orders yet: ${seen}. ${advice(trio, nodes)}`;
}

function reasonOf({ node, stepError }: TrioNode): string | null {
  return stepError ?? node.failureReason();
}

function stateOf({ leadership, members }: Trio, member: TrioNode): string {
  const { node, probe, task } = member;
  const role = node.id === leadership.leader ? 'the leader, ' : '';
  if (node.data().kind === 'none') return `(${role}no data)`;
  const words = reasonOf(member);
  const reason = words === null ? '' : `: ${words}`;
  if (node.running === null) return `(${role}not running${reason})`;
  if (probe.answer === null) return `(${role}starting${reason})`;
  if (task !== null) return `(${role}${task})`;
  const leader = members.get(leadership.leader)?.probe.answer;
  const waits = leader?.role === 'leader' && role === '' && !leader.streaming.has(node.id);
  return waits ? `(gets nothing from the leader${reason})` : `(${role}answers)`;
}

function advice(trio: Trio, nodes: readonly TrioNode[]): string {
  const { leader, voters, epoch } = trio.leadership;
  const words = nodes.map((each) => reasonOf(each) ?? '').join(' ');
  if (/No space left|disk full/i.test(words)) return 'Make room on the disk: it goes on by itself';
  if (/password authentication failed/.test(words)) {
    return (
      'secrets.json belongs to another database: put the right one back, or move it away, ' +
      'and the next start makes new passwords'
    );
  }
  const withData = nodes
    .filter(({ node }) => node.data().kind !== 'none')
    .map(({ node }) => node.id);
  const restore = 'Restore the newest backup into an empty home (npm run restore -- FOLDER)';
  const [last] = voters.filter((id) => withData.includes(id));
  if (withData.includes(leader)) return `It is tried again and again. ${restore} if it stays so`;
  if (last === undefined) return restore;
  const next = JSON.stringify({ epoch: epoch + 1, leader: last, voters: [], sealed: true });
  return (
    `Of the copies that count one is missing, and it may hold orders that ${last} lacks. ` +
    `${restore}, or go on with what ${last} has: stop the shop, write ${next} to ` +
    `${trio.registerFile}, and start it`
  );
}

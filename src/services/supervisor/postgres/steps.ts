/**
 * How each action of the failover machine is carried out on a real node. A step says which task
 * blocks the node meanwhile (null: none), and what runs. No step at all (null) means that the
 * action is done or running already.
 */
import path from 'node:path';
import type { Action } from '../../../replication/action.ts';
import type { Leadership, NodeId } from '../../../replication/leadership.ts';
import type { Task } from '../../../replication/observation.ts';
import type { DatabasePasswords } from '../secrets.ts';
import { copyRunning, install } from './copy.ts';
import { markAsFollower, type PostgresNode } from './node.ts';
import { type Session, type SessionOptions, withSession } from './session.ts';
import { quorumSetting, slotName } from './settings.ts';
import type { TrioNode } from './trio-node.ts';

export interface StepContext {
  readonly member: TrioNode;
  readonly members: ReadonlyMap<NodeId, TrioNode>;
  readonly leadership: Leadership;
  readonly passwords: DatabasePasswords;
}

export interface Step {
  readonly task: Task | null;
  run(): Promise<void>;
}

type NodeAction = Exclude<Action, { kind: 'persist' }>;

const promoteSecondsMax = 10;
const settingPauseMs = 2;
const shortMs = 2_000;

export function steps(action: NodeAction, context: StepContext): Step | null {
  const { member } = context;
  const { node, probe } = member;
  switch (action.kind) {
    case 'fence':
      if (member.task === 'fencing') return null;
      return { task: 'fencing', run: () => node.fence() };
    case 'stop':
      return { task: 'stopping', run: () => node.stop() };
    case 'start':
      return { task: 'starting', run: () => start(context, action.source) };
    case 'silence':
      return {
        task: 'silencing',
        run: async () => {
          node.reconfigure(null, node.quorum);
          probe.forget();
        },
      };
    case 'follow':
      return { task: 'pointing', run: () => follow(context, action.source) };
    case 'promote':
      return { task: 'promoting', run: () => promote(context, action.quorum) };
    case 'set-quorum':
      if (quorumSetting(node.quorum) === quorumSetting(action.quorum)) return null;
      return { task: null, run: async () => node.setQuorum(action.quorum) };
    case 'barrier':
      if (probe.barrier !== 'none') return null;
      return { task: null, run: () => barrier(context) };
    case 'rebuild':
      return { task: 'rebuilding', run: () => rebuild(context, action.from) };
  }
}

function nodeCalled({ members }: StepContext, id: NodeId): PostgresNode {
  const member = members.get(id);
  if (member === undefined) throw new Error(`no node is called ${id}`);
  return member.node;
}

async function start(context: StepContext, source: NodeId | null): Promise<void> {
  const { member, leadership } = context;
  const { node, probe } = member;
  const isLeader = leadership.leader === node.id;
  const quorum = isLeader ? leadership.voters : othersOf(context);
  const isBarred = node.data().kind === 'leader';
  probe.reset();
  await node.start(source === null ? null : nodeCalled(context, source), quorum, isBarred);
  probe.forget();
}

/** If a follower ever led by mistake, its commits would wait for ever for a confirmation. */
function othersOf({ members, member }: StepContext): NodeId[] {
  return [...members.keys()].filter((id) => id !== member.node.id);
}

async function follow(context: StepContext, source: NodeId): Promise<void> {
  const { node, probe } = context.member;
  await onNode(context, source, (session) => ensureSlot(session, node.id));
  node.reconfigure(nodeCalled(context, source), node.quorum);
  probe.forget();
}

function onNode<T>(
  context: StepContext,
  id: NodeId,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { endpoint } = nodeCalled(context, id);
  const password = context.passwords.postgres;
  return withSession({ ...endpoint, password, name: 'supervisor' }, work);
}

/** Keeps the log for a follower from here on. */
async function ensureSlot(session: Session, id: NodeId): Promise<void> {
  const statement = `
    select pg_create_physical_replication_slot($1, true)
    where not exists (select from pg_replication_slots where slot_name = $1)`;
  await session.query(statement, [slotName(id)], shortMs);
}

export function createSlots(
  { endpoint }: PostgresNode,
  password: string,
  followers: readonly NodeId[],
): Promise<void> {
  return withSession({ ...endpoint, password, name: 'supervisor' }, async (session) => {
    for (const follower of followers) await ensureSlot(session, follower);
  });
}

async function dropSlot(session: Session, id: NodeId): Promise<void> {
  const statement = `
    select pg_drop_replication_slot(slot_name) from pg_replication_slots
    where slot_name = $1 and not active`;
  await session.query(statement, [slotName(id)], shortMs);
}

async function promote(context: StepContext, quorum: readonly NodeId[]): Promise<void> {
  const { node, probe } = context.member;
  try {
    await onNode(context, node.id, async (session) => {
      node.reconfigure(null, quorum);
      await untilQuorumInForce(session, quorumSetting(quorum));
      for (const voter of quorum) await ensureSlot(session, voter);
      const query = 'select pg_promote(true, $1) as done';
      const deadlineMs = (promoteSecondsMax + 1) * 1_000;
      const [row] = await session.query<{ done: boolean }>(query, [promoteSecondsMax], deadlineMs);
      if (row?.done !== true) throw new Error('the promotion did not end in time');
    });
  } finally {
    node.forgetData();
    probe.forget();
  }
}

/** Each process reads its settings again at its own time; this session waits until it has. */
async function untilQuorumInForce(session: Session, wanted: string): Promise<void> {
  const deadline = performance.now() + shortMs;
  const query = `select current_setting('synchronous_standby_names') as names, pg_sleep(${
    settingPauseMs / 1_000
  })`;
  for (;;) {
    const [row] = await session.query<{ names: string }>(query, [], shortMs);
    if (row?.names === wanted) return;
    if (performance.now() > deadline) throw new Error('the new quorum did not come into force');
  }
}

/** Ends when the quorum has confirmed, or the session breaks: it is never cancelled. */
async function barrier(context: StepContext): Promise<void> {
  const { member, leadership } = context;
  const { probe, node } = member;
  const { running } = node;
  probe.barrier = 'waiting';
  let isDone = false;
  try {
    await onNode(context, node.id, async (session) => {
      const statement = 'update heartbeat set epoch = $1, at = now() where id = 2';
      await session.query(statement, [leadership.epoch], Number.POSITIVE_INFINITY);
    });
    await admit(context);
    isDone = true;
  } finally {
    // A process that took its place meanwhile begins with its own barrier.
    if (node.running === running) {
      probe.barrier = isDone ? 'done' : 'none';
      if (probe.answer?.role === 'leader') {
        probe.answer = { ...probe.answer, barrier: probe.barrier };
      }
    }
  }
}

/** Lets services in again, and returns when they are not turned away any more. */
async function admit(context: StepContext): Promise<void> {
  const { member, passwords } = context;
  const { node } = member;
  if (!node.isBarred) return;
  node.admit();
  const deadline = performance.now() + shortMs;
  const options = { ...node.endpoint, user: 'replicator', password: passwords.replicator };
  while (await isTurnedAway({ ...options, name: 'supervisor' })) {
    if (performance.now() > deadline) throw new Error('the new access rules did not take effect');
  }
}

/** By the access rules, that is; that role may connect to nothing, which is another answer. */
async function isTurnedAway(options: SessionOptions): Promise<boolean> {
  try {
    await withSession(options, async () => {});
    return false;
  } catch (error) {
    return (error as { code?: string }).code === '28000';
  }
}

async function rebuild(context: StepContext, from: NodeId): Promise<void> {
  const { member, members, leadership } = context;
  const { node } = member;
  const leader = members.get(from);
  if (leader === undefined) throw new Error(`no node is called ${from}`);
  await node.fence();
  const incoming = path.join(node.folder, 'incoming');
  member.copied = 0;
  try {
    await onNode(context, from, async (session) => {
      // A lost slot is of no use; a new one keeps the log from where the copy begins.
      await dropSlot(session, node.id);
      await ensureSlot(session, node.id);
      await copyRunning(session, leader.node.dataFolder, incoming, node.account, (progress) => {
        member.copied = progress.bytesTotal === 0 ? 1 : progress.bytes / progress.bytesTotal;
      });
    });
    markAsFollower(incoming, leadership.epoch, node.account);
    await install(incoming, node.dataFolder);
  } finally {
    member.copied = null;
  }
}

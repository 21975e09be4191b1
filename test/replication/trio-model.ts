/**
 * A trio made of arrays, to run the real failover machine against: logs, confirmations, kills,
 * pauses, slow and failing commands, a supervisor that forgets everything but its register.
 *
 * The model is harsher than PostgreSQL where it matters: confirmations travel late, commands take
 * effect at any time, answers may be old, a paused leader wakes up and goes on where it was.
 */
import type { Action, Publication } from '../../src/replication/action.ts';
import { decide } from '../../src/replication/failover.ts';
import { emptyMemory, type Memory } from '../../src/replication/failover-memory.ts';
import type { Leadership, NodeId } from '../../src/replication/leadership.ts';
import type { NodeSeen, Task, View } from '../../src/replication/observation.ts';
import { type Entry, type ModelNode, modelNode } from './model-node.ts';

export type Step =
  | { readonly do: 'tick'; readonly ms: number }
  | { readonly do: 'write'; readonly node: number }
  | { readonly do: 'replicate'; readonly node: number; readonly entries: number }
  | { readonly do: 'confirm'; readonly node: number }
  | { readonly do: 'observe'; readonly node: number }
  | { readonly do: 'apply' | 'finish'; readonly node: number; readonly ok: boolean }
  | { readonly do: 'kill' | 'pause' | 'resume' | 'lose' | 'lag' | 'break'; readonly node: number }
  | { readonly do: 'progress'; readonly ms: number }
  | { readonly do: 'forget' };

const ids = ['pg-1', 'pg-2', 'pg-3'] as const;

export class TrioModel {
  now = 1_000_000;
  leadership: Leadership = { epoch: 1, leader: 'pg-1', voters: ['pg-2', 'pg-3'], sealed: true };
  publication: Publication = { leader: null, followers: [] };
  handOver: { to: NodeId } | null = null;
  readonly sentences: string[] = [];
  /** The last acknowledged entry; all below it are acknowledged too. */
  acknowledged: Entry = { index: -1, timeline: 0 };
  elections = 0;
  rebuilds = 0;
  #memory: Memory = emptyMemory;
  #timelines = 1;
  #writing = true;
  readonly #nodes: Map<NodeId, ModelNode>;
  readonly #see: (view: View) => View;

  /** `see`: what the machine believes of what is there; a planted bug sees wrongly. */
  constructor(see: (view: View) => View = (view) => view) {
    this.#see = see;
    this.#nodes = new Map(ids.map((id): [NodeId, ModelNode] => [id, modelNode(id)]));
  }

  run(step: Step): void {
    switch (step.do) {
      case 'tick':
        this.now += step.ms;
        this.decide();
        break;
      case 'write':
        this.#write(this.#at(step.node));
        break;
      case 'replicate':
        this.#replicate(this.#at(step.node), step.entries);
        break;
      case 'confirm':
        this.#confirm(this.#at(step.node));
        break;
      case 'observe':
        this.#observe(this.#at(step.node));
        break;
      case 'apply':
        this.#apply(this.#at(step.node), step.ok);
        break;
      case 'finish':
        this.#finish(this.#at(step.node), step.ok);
        break;
      case 'kill':
        this.#end(this.#at(step.node));
        break;
      case 'pause':
        if (this.#at(step.node).process === 'running') this.#at(step.node).process = 'paused';
        break;
      case 'resume':
        if (this.#at(step.node).process === 'paused') this.#at(step.node).process = 'running';
        break;
      case 'lose':
        for (const node of this.#nodes.values()) {
          if (this.#works(node) && node.mode === 'leader') node.lost.add(this.#at(step.node).id);
        }
        break;
      case 'lag':
        this.#at(step.node).lagging = !this.#at(step.node).lagging;
        break;
      case 'break':
        this.#at(step.node).broken = !this.#at(step.node).broken;
        break;
      case 'progress':
        this.#progress(step.ms);
        break;
      case 'forget':
        this.#forget();
        break;
    }
    this.#check();
  }

  /** Everything goes well for a while: each node is heard, each command ends, logs flow. */
  calm(ms: number): void {
    this.#writing = false;
    for (const node of this.#nodes.values()) {
      node.lagging = false;
      node.broken = false;
      if (node.process === 'paused') node.process = 'running';
    }
    for (const end = this.now + ms; this.now < end; ) this.run({ do: 'progress', ms: 100 });
    this.#writing = true;
  }

  #progress(ms: number): void {
    for (const node of this.#nodes.values()) {
      this.#apply(node, true);
      this.#finish(node, true);
      if (this.#writing) this.#write(node);
    }
    for (const node of this.#nodes.values()) {
      if (!node.lagging) this.#replicate(node, 1_000);
      this.#confirm(node);
    }
    for (const node of this.#nodes.values()) this.#observe(node);
    this.now += ms;
    this.decide();
  }

  decide(): void {
    for (let again = true; again; ) {
      again = false;
      const decision = decide(this.#see(this.#view()), this.#memory);
      this.#memory = decision.memory;
      this.publication = decision.publication;
      for (const action of decision.actions) {
        this.sentences.push(`${this.now} ${action.kind}: ${action.why}`);
        if (action.kind === 'persist') {
          if (action.leadership.epoch > this.leadership.epoch) this.elections += 1;
          this.leadership = action.leadership;
          if (this.handOver?.to === this.leadership.leader) this.handOver = null;
          again = true;
        } else this.#begin(action);
      }
      this.#check();
    }
  }

  #at(index: number): ModelNode {
    return this.#get(ids[index % ids.length] as NodeId);
  }

  #get(id: NodeId): ModelNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(id);
    return node;
  }

  #works(node: ModelNode): boolean {
    return node.process === 'running' && node.up;
  }

  #streams(follower: ModelNode): ModelNode | null {
    if (!this.#works(follower) || follower.mode !== 'follower' || follower.source === null) {
      return null;
    }
    const leader = this.#get(follower.source);
    if (!this.#works(leader) || leader.mode !== 'leader') return null;
    if (leader.lost.has(follower.id) || follower.log.length > leader.log.length) return null;
    const last = follower.log.at(-1);
    return last === undefined || leader.log[follower.log.length - 1] === last ? leader : null;
  }

  #write(node: ModelNode): void {
    if (!this.#works(node) || node.mode !== 'leader') return;
    node.log.push({ index: node.log.length, timeline: node.timeline });
  }

  #replicate(follower: ModelNode, entries: number): void {
    const leader = this.#streams(follower);
    if (leader === null) return;
    const from = follower.log.length;
    follower.log.push(...leader.log.slice(from, from + entries));
    follower.timeline = leader.timeline;
  }

  /** The leader hears how far a follower's disk is, and acknowledges what that allows. */
  #confirm(follower: ModelNode): void {
    const leader = this.#streams(follower);
    if (leader === null) return;
    leader.confirmed.set(follower.id, follower.log.length);
    if (!leader.quorum.includes(follower.id)) return;
    const last = follower.log.at(-1);
    if (last !== undefined && last.index > this.acknowledged.index) {
      if (leader.id !== this.leadership.leader) {
        throw new Error(`${leader.id} acknowledges, but ${this.leadership.leader} leads`);
      }
      this.#check();
      this.acknowledged = last;
    }
    if (leader.barrier === 'waiting' && follower.log.length >= leader.barrierAt) {
      leader.barrier = 'done';
    }
  }

  #observe(node: ModelNode): void {
    if (!this.#works(node) || node.task === 'starting') return;
    if (['silencing', 'pointing', 'promoting'].includes(node.task ?? '')) return;
    node.askedAt = this.now;
    node.failures = 0;
    if (node.mode === 'follower') {
      const { source, timeline, log } = node;
      const receiving = this.#streams(node) !== null;
      node.answer = {
        role: 'follower',
        source,
        receiving,
        replayed: true,
        timeline,
        lsn: log.length,
      };
      return;
    }
    const followers = [...this.#nodes.values()].filter((other) => this.#streams(other) === node);
    node.answer = {
      role: 'leader',
      lsn: node.log.length,
      quorum: node.quorum,
      streaming: new Map(
        followers.map(({ id }) => [id, { flushedLsn: node.confirmed.get(id) ?? 0 }]),
      ),
      lost: [...node.lost],
      barrier: node.barrier,
      writeFailingMs: 0,
    };
  }

  #end(node: ModelNode): void {
    if (node.process === 'gone') return;
    if (node.answer === null) node.failures += 1;
    node.process = 'gone';
    node.up = false;
    node.answer = null;
    node.goneAt = this.now;
  }

  #begin(action: Exclude<Action, { kind: 'persist' }>): void {
    const node = this.#get(action.node);
    if (action.kind === 'set-quorum') {
      node.quorum = action.quorum;
      if (node.answer?.role === 'leader') node.answer = { ...node.answer, quorum: action.quorum };
      return;
    }
    if (action.kind === 'barrier') {
      this.#write(node);
      node.barrier = 'waiting';
      node.barrierAt = node.log.length;
      if (node.answer?.role === 'leader') node.answer = { ...node.answer, barrier: 'waiting' };
      return;
    }
    if (action.kind !== 'fence' && node.task !== null) throw new Error(`${node.id} is busy`);
    node.task = taskOf[action.kind];
    node.pending = action;
    node.applied = false;
    if (action.kind !== 'fence' && action.kind !== 'stop') {
      node.answer = null;
      node.askedAt = this.now;
    }
    if (action.kind === 'rebuild') {
      if (this.leadership.voters.includes(node.id)) throw new Error(`${node.id} votes: not wiped`);
      node.data = { kind: 'none' };
      node.log = [];
    }
  }

  #apply(node: ModelNode, ok: boolean): void {
    const action = node.pending;
    if (action === null || node.applied) return;
    node.applied = true;
    switch (action.kind) {
      case 'fence':
      case 'stop':
        this.#end(node);
        break;
      case 'start':
        if (!ok || node.broken || node.process !== 'gone' || node.data.kind === 'none') break;
        node.process = 'running';
        node.up = true;
        node.mode = node.data.kind;
        node.source = node.data.kind === 'leader' ? null : action.source;
        node.quorum = node.data.kind === 'leader' ? this.leadership.voters : [];
        this.#freshLife(node);
        break;
      case 'silence':
        node.source = null;
        break;
      case 'follow':
        node.source = action.source;
        break;
      case 'promote':
        if (!this.#works(node) || !ok) break;
        node.mode = 'leader';
        node.data = { kind: 'leader' };
        node.quorum = action.quorum;
        node.timeline = ++this.#timelines;
        this.#freshLife(node);
        break;
      case 'rebuild':
        this.#copy(node, this.#get(action.from), ok);
        break;
    }
  }

  #freshLife(node: ModelNode): void {
    node.barrier = 'none';
    node.confirmed = new Map();
    node.lost = new Set();
  }

  #copy(node: ModelNode, from: ModelNode, ok: boolean): void {
    if (!ok || !this.#works(from) || from.mode !== 'leader') return;
    if (from.id !== this.leadership.leader) return;
    node.log = [...from.log];
    node.timeline = from.timeline;
    node.data = { kind: 'follower', epoch: this.leadership.epoch };
    from.lost.delete(node.id);
    this.rebuilds += 1;
  }

  #finish(node: ModelNode, ok: boolean): void {
    if (node.task === null) return;
    this.#apply(node, ok);
    const failed = node.task === 'rebuilding' ? node.data.kind === 'none' : false;
    const neverStarted = node.task === 'starting' && node.process === 'gone';
    if (failed || neverStarted) {
      node.failures += 1;
      node.goneAt = this.now;
    } else if (node.task === 'rebuilding') node.failures = 0;
    node.task = null;
    node.pending = null;
    if (node.answer === null) node.askedAt = this.now;
  }

  /** The supervisor dies; its successor knows the register and what it finds. */
  #forget(): void {
    this.#memory = emptyMemory;
    this.publication = { leader: null, followers: [] };
    for (const node of this.#nodes.values()) {
      node.task = null;
      node.pending = null;
      node.answer = null;
      node.askedAt = this.now;
      node.failures = 0;
      if (node.barrier === 'waiting') node.barrier = 'none';
    }
  }

  #view(): View {
    const nodes = new Map<NodeId, NodeSeen>();
    for (const [id, node] of this.#nodes) {
      const gone = node.process === 'gone';
      nodes.set(id, {
        data: node.data,
        process: gone ? 'gone' : 'running',
        task: node.task,
        answer: node.answer,
        silentMs: this.now - node.askedAt,
        excusedMs: 0,
        isSuspended: node.process === 'paused',
        goneMs: gone ? this.now - node.goneAt : 0,
        failures: node.failures,
      });
    }
    return { now: this.now, leadership: this.leadership, nodes, handOver: this.handOver };
  }

  #check(): void {
    const leader = this.#get(this.leadership.leader);
    const { index } = this.acknowledged;
    if (index >= 0 && leader.log[index] !== this.acknowledged) {
      throw new Error(`${leader.id} leads without acknowledged entry ${index}`);
    }
  }
}

const taskOf = {
  fence: 'fencing',
  stop: 'stopping',
  start: 'starting',
  silence: 'silencing',
  follow: 'pointing',
  promote: 'promoting',
  rebuild: 'rebuilding',
} as const satisfies Record<string, Task>;

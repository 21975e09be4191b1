/** The control room's contract: what runs, how it fares, and how to hurt it on purpose. */
import Type, { type Static } from 'typebox';
import type { Endpoint } from './endpoint.ts';

const Rate = Type.Number({ minimum: 0 });

export const ClusterService = Type.Object(
  {
    id: Type.String(),
    role: Type.String(),
    state: Type.String({ description: 'starting, ready, draining' }),
    pid: Type.Integer(),
    since: Type.String({ format: 'date-time' }),
    cpu: Type.Number({ minimum: 0, description: 'processor cores in use; 0.5 is half of one' }),
    memoryBytes: Type.Integer({ minimum: 0, description: 'shared pages counted once' }),
    requestsPerSecond: Rate,
  },
  { $id: 'ClusterService' },
);
export type ClusterService = Static<typeof ClusterService>;

export const ClusterDatabase = Type.Object(
  {
    id: Type.String(),
    role: Type.Union([Type.Literal('leader'), Type.Literal('follower')]),
    state: Type.String({
      description: 'ready, starting, hung, gone, detached, fencing, promoting, rebuilding, …',
    }),
    votes: Type.Boolean({ description: 'its confirmation counts for a commit' }),
    lsn: Type.Union([Type.String(), Type.Null()], { description: 'end of its copy of the log' }),
    lagBytes: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    lastOrderNumber: Type.Union([Type.Integer(), Type.Null()]),
    copiedShare: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
      description: 'of a copy that is being made, otherwise null',
    }),
    cpu: Type.Number({ minimum: 0 }),
    memoryBytes: Type.Integer({ minimum: 0 }),
  },
  { $id: 'ClusterDatabase' },
);
export type ClusterDatabase = Static<typeof ClusterDatabase>;

export const ScalingStepTaken = Type.Object(
  {
    at: Type.String({ format: 'date-time' }),
    tier: Type.String(),
    from: Type.Integer({ minimum: 0 }),
    to: Type.Integer({ minimum: 0 }),
    why: Type.String(),
  },
  { $id: 'ScalingStepTaken' },
);
export type ScalingStepTaken = Static<typeof ScalingStepTaken>;

export const ClusterReport = Type.Object(
  {
    epoch: Type.Integer(),
    services: Type.Array(ClusterService),
    database: Type.Array(ClusterDatabase),
    queue: Type.Object({
      depth: Type.Integer({ minimum: 0 }),
      oldestAgeSeconds: Type.Number({ minimum: 0 }),
      arrivalsPerSecond: Rate,
      servicePerSecond: Rate,
    }),
    scaling: Type.Array(ScalingStepTaken),
    steps: Type.Array(
      Type.Object({ at: Type.String({ format: 'date-time' }), why: Type.String() }),
      { description: 'what the supervisor did last, newest last' },
    ),
  },
  { $id: 'ClusterReport' },
);
export type ClusterReport = Static<typeof ClusterReport>;

export const Fault = Type.Object(
  {
    target: Type.String({ minLength: 1, maxLength: 64, examples: ['pg-1', 'worker-1'] }),
    kind: Type.Union([
      Type.Literal('kill'),
      Type.Literal('pause'),
      Type.Literal('resume'),
      Type.Literal('restart'),
    ]),
  },
  { $id: 'Fault', additionalProperties: false },
);
export type Fault = Static<typeof Fault>;

export const followCluster = {
  method: 'GET',
  path: '/api/control/events',
  tag: 'control',
  summary: 'The same as server-sent events, at least one a second',
  responses: { 200: ClusterReport },
  responseType: 'text/event-stream',
  access: 'owner',
} satisfies Endpoint;

export const controlEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/api/control/cluster',
    tag: 'control',
    summary: 'Every process of the cluster, the three copies of the log, the queue',
    responses: { 200: ClusterReport },
    access: 'owner',
  },
  followCluster,
  {
    method: 'POST',
    path: '/api/control/faults',
    tag: 'control',
    summary: 'Kills, pauses, resumes or restarts a process, where faults are switched on',
    body: Fault,
    responses: { 202: Type.Object({ target: Type.String(), kind: Type.String() }) },
    access: 'owner',
  },
];

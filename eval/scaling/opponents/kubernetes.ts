/**
 * The Kubernetes Horizontal Pod Autoscaler, with KEDA feeding it the queue for the workers and
 * CPU for the gateways, as they are when one changes nothing.
 *
 * - Every 15 s (`--horizontal-pod-autoscaler-sync-period`), tolerance 0.1
 *   (`--horizontal-pod-autoscaler-tolerance`); desired = ceil(metric ÷ target) of an AverageValue,
 *   ceil(current × utilisation ÷ target) of a utilisation.
 * - Up: no stabilization; the higher of + 100 % and + 4 pods in 15 s. Down: to the highest
 *   recommendation of the last 300 s, up to 100 % in 15 s.
 *   https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
 *   (HPAScalingRules: "allow doubling the number of pods, or an absolute change of 4 pods in a
 *   15s window"; the older text in HorizontalPodAutoscalerBehavior still says 60 s.)
 * - CPU target 80 %: `HorizontalPodAutoscalerSpec.metrics`, "the default metric will be set to
 *   80% average CPU utilization".
 * - KEDA: pollingInterval 30 s, cooldownPeriod 300 s, which the documentation limits to scaling
 *   to zero; from 1 to n the HPA asks KEDA every 15 s and KEDA asks the queue, unless
 *   useCachedMetrics makes it answer with what it polled.
 *   https://keda.sh/docs/latest/reference/scaledobject-spec/
 *   Target backlog per worker 5, the default `queueLength` of
 *   https://keda.sh/docs/latest/scalers/aws-sqs/, which counts messages in flight too.
 */
import type { FleetPolicy, FleetSize, ShopView, TierView } from '../fleet-policy.ts';

const syncMs = 15_000;
const toleranceShare = 0.1;
const downStabilizationMs = 300_000;
const cpuTarget = 0.8;
const scaleUpPods = 4;

export interface KedaSettings {
  readonly name: string;
  /** How old the queue length may be that the autoscaler sees. */
  readonly pollMs: number;
  readonly backlogPerWorker: number;
}

export const kedaSettings: readonly KedaSettings[] = [
  { name: 'KEDA, fresh queue', pollMs: syncMs, backlogPerWorker: 5 },
  { name: 'KEDA, 30 s poll', pollMs: 30_000, backlogPerWorker: 5 },
  // Not a default: the target that a careful owner would set for these deadlines and work times.
  { name: 'KEDA, tuned target', pollMs: syncMs, backlogPerWorker: 1 },
];

export function keda(settings: KedaSettings): FleetPolicy {
  const gateways = podAutoscaler();
  const workers = podAutoscaler();
  let polledAt = Number.NEGATIVE_INFINITY;
  let polled = 0;
  let busyBefore = 0;
  const decide = ({ gateway, worker }: ShopView, now: number): FleetSize => {
    const busy = (gateway.busyMsTotal - busyBefore) / (Math.max(1, gateway.ready) * syncMs);
    busyBefore = gateway.busyMsTotal;
    if (now - polledAt >= settings.pollMs) {
      polledAt = now;
      polled = worker.waiting + busyServers(worker);
    }
    const perWorker = polled / Math.max(1, fleet(worker));
    return {
      gateways: gateways(fleet(gateway), busy / cpuTarget, now),
      workers: workers(fleet(worker), perWorker / settings.backlogPerWorker, now),
    };
  };
  return { name: settings.name, periodMs: syncMs, decide };
}

function fleet(tier: TierView): number {
  return tier.ready + tier.booting;
}

function busyServers(tier: TierView): number {
  return tier.ready - tier.idleFor(0);
}

/** One autoscaler: (current replicas, metric ÷ target, now) to replicas. */
function podAutoscaler(): (current: number, ratio: number, now: number) => number {
  let recommendations: { at: number; replicas: number }[] = [];
  return (current, ratio, now) => {
    const within = Math.abs(ratio - 1) <= toleranceShare;
    const recommended = within ? current : Math.max(1, Math.ceil(current * ratio));
    recommendations = recommendations.filter((each) => each.at > now - downStabilizationMs);
    recommendations.push({ at: now, replicas: recommended });
    if (recommended > current) {
      return Math.min(recommended, Math.max(current * 2, current + scaleUpPods));
    }
    return Math.min(current, Math.max(...recommendations.map((each) => each.replicas)));
  };
}

/**
 * AWS Application Auto Scaling, target tracking for an ECS service: backlog per task for the
 * workers, CPU for the gateways.
 *
 * - CloudWatch metrics of one minute. The alarms it creates are not documented; here they fire
 *   after 3 of 3 minutes above the target (seen in
 *   https://github.com/hashicorp/terraform-provider-aws/issues/42553, which shows 3 of 3 for the
 *   low alarm too) and after 15 of 15 minutes below 90 % of it (15 of 15 seen on the low alarm of
 *   capacity providers, https://github.com/aws/containers-roadmap/issues/638; the 90 % is ours).
 * - Out in proportion to the metric; cooldowns of 300 s in both directions for ECS services, where
 *   a scale-out within the cooldown may only add what exceeds the one before.
 *   https://docs.aws.amazon.com/autoscaling/application/userguide/ (How target tracking works) and
 *   the CDK's BaseTargetTrackingProps ("Duration.seconds(300) for … ECS services").
 * - Target backlog per task = acceptable latency ÷ time per message, as
 *   https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html computes it:
 *   (1000 ms deadline − 60 ms intake) ÷ 250 ms.
 */
import type { FleetPolicy, FleetSize, ShopView, TierView } from '../fleet-policy.ts';
import { databaseMs, intakeMs, pageDeadlineMs, processingMs } from '../shop-simulation.ts';

const minuteMs = 60_000;
const minutesHigh = 3;
const minutesLow = 15;
const lowShare = 0.9;
const cooldownMs = 300_000;
const backlogTarget = (pageDeadlineMs - intakeMs) / (processingMs + databaseMs);
/** No default exists; 75 % is what the AWS CLI's own example uses. */
const cpuTarget = 0.75;
/** The queue is sampled as often as this and averaged over the minute, as CloudWatch does. */
const sampleMs = 10_000;

export function targetTracking(): FleetPolicy {
  const [gateways, workers] = [tracker(), tracker()];
  let busyBefore = 0;
  const decide = ({ gateway, worker }: ShopView, now: number): FleetSize => {
    const busyMs = gateway.busyMsTotal - busyBefore;
    busyBefore = gateway.busyMsTotal;
    const cpu = busyMs / (Math.max(1, gateway.ready) * sampleMs);
    const backlog = worker.waiting / Math.max(1, worker.ready);
    return {
      gateways: gateways(fleet(gateway), cpu / cpuTarget, now),
      workers: workers(fleet(worker), backlog / backlogTarget, now),
    };
  };
  return { name: 'AWS target tracking', periodMs: sampleMs, decide };
}

function fleet(tier: TierView): number {
  return tier.ready + tier.booting;
}

function tracker(): (current: number, ratio: number, now: number) => number {
  let samples: number[] = [];
  let minutes: number[] = [];
  let outUntil = Number.NEGATIVE_INFINITY;
  let inUntil = Number.NEGATIVE_INFINITY;
  let outBase = 0;
  return (current, ratio, now) => {
    if (now === 0) return current;
    samples.push(ratio);
    if (now % minuteMs !== 0) return current;
    minutes = [...minutes, samples.reduce((sum, each) => sum + each, 0) / samples.length];
    minutes = minutes.slice(-minutesLow);
    samples = [];
    const lastHigh = minutes.slice(-minutesHigh);
    if (lastHigh.length === minutesHigh && lastHigh.every((each) => each > 1)) {
      // Within the cooldown what was added already counts toward the new target.
      const base = now < outUntil ? outBase : current;
      const wanted = Math.max(current, Math.ceil(base * (minutes.at(-1) ?? 1)));
      if (wanted > current) {
        outBase = base;
        outUntil = now + cooldownMs;
      }
      return wanted;
    }
    const low = minutes.length === minutesLow && minutes.every((each) => each < lowShare);
    if (!low || now < inUntil || now < outUntil) return current;
    inUntil = now + cooldownMs;
    return Math.max(1, Math.ceil(current * Math.max(...minutes)));
  };
}

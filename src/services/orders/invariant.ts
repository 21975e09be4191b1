import type { IntegrityReport } from '../../api/order.ts';

export type Invariant = IntegrityReport['invariants'][number];

const violationsMax = 20;

/** It holds where there are no violations; the first of them are shown. */
export function invariant(
  name: string,
  figures: Readonly<Record<string, number>>,
  violations: readonly string[],
): Invariant {
  const shown = violations.slice(0, violationsMax);
  return { name, holds: violations.length === 0, figures: { ...figures }, violations: shown };
}

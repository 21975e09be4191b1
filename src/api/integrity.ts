/** The integrity report: the invariants of the shop, each with its figures and what breaks it. */
import Type, { type Static } from 'typebox';

const violationsMax = 20;

export const IntegrityReport = Type.Object(
  {
    holds: Type.Boolean(),
    invariants: Type.Array(
      Type.Object({
        name: Type.String(),
        holds: Type.Boolean(),
        figures: Type.Record(Type.String(), Type.Number()),
        violations: Type.Array(Type.String()),
      }),
    ),
  },
  { $id: 'IntegrityReport' },
);
export type IntegrityReport = Static<typeof IntegrityReport>;
export type Invariant = IntegrityReport['invariants'][number];

/** It holds where there are no violations; the first of them are shown. */
export function invariant(
  name: string,
  figures: Readonly<Record<string, number>>,
  violations: readonly string[],
): Invariant {
  const shown = violations.slice(0, violationsMax);
  return { name, holds: violations.length === 0, figures: { ...figures }, violations: shown };
}

export function integrityReport(invariants: Invariant[]): IntegrityReport {
  return { holds: invariants.every((each) => each.holds), invariants };
}

/** Formats figures for the reasons that the scaling controller gives: `7.5`, `120`, `3 s`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unbounded';
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

export function seconds(ms: number): string {
  return `${figure(ms / 1000)} s`;
}

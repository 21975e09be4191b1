/** Figures for the sentences of a controller: short, and the same everywhere. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unbounded';
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

export function seconds(ms: number): string {
  return `${figure(ms / 1000)} s`;
}

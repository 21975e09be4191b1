/** What a place in line looks like in words and as a share. Pure. */

const minuteSeconds = 60;

export function waitText(etaSeconds: number | undefined): string {
  if (etaSeconds === undefined || !Number.isFinite(etaSeconds)) return 'Asking how long it takes…';
  if (etaSeconds < 5) return 'Only a moment now.';
  if (etaSeconds < minuteSeconds) return `About ${Math.ceil(etaSeconds / 5) * 5} seconds to go.`;
  const minutes = Math.ceil(etaSeconds / minuteSeconds);
  return minutes === 1 ? 'About a minute to go.' : `About ${minutes} minutes to go.`;
}

const startShare = 0.04;

/** How much of the way is behind, from 0 to 1: never quite nothing, never all before the end. */
export function progressOf(position: number | undefined, longest: number): number {
  if (position === undefined || longest <= 0) return startShare;
  const passed = (longest - position) / Math.max(1, longest);
  return Math.min(0.96, Math.max(startShare, passed));
}

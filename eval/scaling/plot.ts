/** Small plots as inline SVG: they need nothing from anywhere and print well. */

const width = 620;
const height = 230;
const margin = { left: 62, right: 16, top: 12, bottom: 34 };
const right = width - margin.right;
const bottom = height - margin.bottom;

type Scale = (value: number) => number;
type Anchor = 'start' | 'middle' | 'end';

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
  readonly dashed?: boolean;
}

/** Lines over time. */
export function linePlot(series: readonly Series[], xLabel: string, yLabel: string): string {
  const all = series.flatMap((each) => each.points);
  const xMax = Math.max(1, ...all.map(([x]) => x));
  const yMax = niceCeiling(Math.max(1, ...all.map(([, y]) => y)));
  const x = scale(xMax, margin.left, right);
  const y = scale(yMax, bottom, margin.top);
  const lines = series.map((each) => {
    const points = each.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`);
    const dash = each.dashed === true ? ' stroke-dasharray="4 3"' : '';
    const stroke = `fill="none" stroke="${each.colour}" stroke-width="1.4"${dash}`;
    return `<polyline ${stroke} points="${points.join(' ')}"/>`;
  });
  const names = series.map((each, index) => {
    const left = margin.left + 10 + index * 135;
    const swatch = `<rect x="${left}" y="4" width="10" height="3" fill="${each.colour}"/>`;
    return swatch + text(left + 14, 10, 'axis', each.name);
  });
  return svg([...axes(xMax, yMax, x, y), ...labels(xLabel, yLabel), ...lines, ...names]);
}

export interface Dot {
  readonly name: string;
  readonly colour: string;
  readonly x: number;
  readonly y: number;
}

/** Dots with their names; y is drawn as a root, because it spans from none to thousands. */
export function dotPlot(dots: readonly Dot[], xLabel: string, yLabel: string): string {
  const xMax = niceCeiling(Math.max(1, ...dots.map((dot) => dot.x)));
  const yMax = niceCeiling(Math.max(1, ...dots.map((dot) => dot.y)));
  const x = scale(xMax, margin.left, right);
  const root = scale(1, bottom, margin.top);
  const y = (value: number) => root(Math.sqrt(value / yMax));
  const marks = dots.map((dot) => {
    const place = `cx="${x(dot.x).toFixed(1)}" cy="${y(dot.y).toFixed(1)}"`;
    const circle = `<circle ${place} r="4" fill="${dot.colour}"/>`;
    return circle + text(x(dot.x) + 6, y(dot.y) + 3, 'mark', dot.name);
  });
  return svg([...axes(xMax, yMax, x, y), ...labels(xLabel, yLabel), ...marks]);
}

export interface Bar {
  readonly name: string;
  readonly colour: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Horizontal bars with whiskers from low to high, as multiples; cut at `max`. */
export function barPlot(bars: readonly Bar[], max: number, label: string): string {
  const row = 17;
  const left = 140;
  const tall = bars.length * row + 30;
  const uncut = scale(max, left, right);
  const x = (value: number) => uncut(Math.min(value, max));
  const rows = bars.map((bar, index) => {
    const top = 6 + index * row;
    const middle = top + row / 2 - 1;
    const size = `width="${(x(bar.value) - left).toFixed(1)}" height="${row - 5}"`;
    const figure = bar.value > max ? `${bar.value.toFixed(1)} →` : bar.value.toFixed(2);
    return (
      text(left - 6, middle + 4, 'mark', bar.name, 'end') +
      `<rect x="${left}" y="${top}" ${size} fill="${bar.colour}"/>` +
      line(x(bar.low), middle, x(bar.high), middle, 'whisker') +
      text(left + 4, middle + 4, 'inside', figure)
    );
  });
  const one = line(x(1), 0, x(1), tall - 22, 'one');
  return svg([...rows, one, text(left, tall - 6, 'axis', label)], tall);
}

function axes(xMax: number, yMax: number, x: Scale, y: Scale): string[] {
  const parts: string[] = [];
  for (let tick = 0; tick <= 4; tick++) {
    const [xValue, yValue] = [(xMax * tick) / 4, (yMax * tick) / 4];
    parts.push(
      line(margin.left, y(yValue), right, y(yValue), 'grid'),
      text(margin.left - 6, y(yValue) + 3, 'axis', short(yValue), 'end'),
      text(x(xValue), bottom + 14, 'axis', short(xValue), 'middle'),
    );
  }
  return parts;
}

function labels(xLabel: string, yLabel: string): string[] {
  return [
    text(right, height - 4, 'axis', xLabel, 'end'),
    text(margin.left, height - 4, 'axis', yLabel),
  ];
}

function scale(max: number, from: number, to: number): Scale {
  return (value) => from + ((to - from) * value) / max;
}

function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

function short(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`;
  return String(Math.round(value * 10) / 10);
}

function text(x: number, y: number, kind: string, content: string, anchor: Anchor = 'start') {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"`;
  return `<text ${place} class="${kind}">${escapeText(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  const [from, to] = [`x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}"`, `x2="${x2.toFixed(1)}"`];
  return `<line ${from} ${to} y2="${y2.toFixed(1)}" class="${kind}"/>`;
}

function svg(parts: readonly string[], tall = height): string {
  return `<svg viewBox="0 0 ${width} ${tall}" role="img">${parts.join('')}</svg>`;
}

export function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Small plots as inline SVG: they need nothing from anywhere and print well. */

const width = 620;
const height = 230;
const margin = { left: 62, right: 16, top: 12, bottom: 34 };

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
  const x = (value: number) => scale(value, xMax, margin.left, width - margin.right);
  const y = (value: number) => scale(value, yMax, height - margin.bottom, margin.top);
  const lines = series.map((each) => {
    const points = each.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`);
    const dash = each.dashed === true ? ' stroke-dasharray="4 3"' : '';
    return `<polyline fill="none" stroke="${each.colour}" stroke-width="1.4"${dash} points="${points.join(' ')}"/>`;
  });
  return svg([...axes(xMax, yMax, x, y, xLabel, yLabel), ...lines, legend(series)]);
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
  const x = (value: number) => scale(value, xMax, margin.left, width - margin.right);
  const y = (value: number) =>
    scale(Math.sqrt(value / yMax), 1, height - margin.bottom, margin.top);
  const marks = dots.map((dot) => {
    const [cx, cy] = [x(dot.x).toFixed(1), y(dot.y).toFixed(1)];
    const label = `<title>${escapeText(dot.name)}</title>`;
    return (
      `<circle cx="${cx}" cy="${cy}" r="4" fill="${dot.colour}">${label}</circle>` +
      `<text x="${cx}" y="${cy}" dx="6" dy="3" class="mark">${escapeText(dot.name)}</text>`
    );
  });
  return svg([...axes(xMax, yMax, x, y, xLabel, yLabel), ...marks]);
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
  const x = (value: number) => scale(Math.min(value, max), max, left, width - margin.right);
  const rows = bars.map((bar, index) => {
    const top = 6 + index * row;
    const middle = top + row / 2 - 1;
    const beyond = bar.value > max ? ` ${bar.value.toFixed(1)} →` : ` ${bar.value.toFixed(2)}`;
    return (
      `<text x="${left - 6}" y="${middle + 4}" text-anchor="end" class="mark">${escapeText(bar.name)}</text>` +
      `<rect x="${left}" y="${top}" width="${(x(bar.value) - left).toFixed(1)}" height="${row - 5}" fill="${bar.colour}"/>` +
      `<line x1="${x(bar.low).toFixed(1)}" x2="${x(bar.high).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#444"/>` +
      `<text x="${left + 4}" y="${middle + 4}" class="inside">${beyond}</text>`
    );
  });
  const one = `<line x1="${x(1)}" x2="${x(1)}" y1="0" y2="${tall - 22}" stroke="#b00" stroke-dasharray="3 3"/>`;
  const text = `<text x="${left}" y="${tall - 6}" class="axis">${escapeText(label)}</text>`;
  return svg([...rows, one, text], tall);
}

function axes(
  xMax: number,
  yMax: number,
  x: (value: number) => number,
  y: (value: number) => number,
  xLabel: string,
  yLabel: string,
): string[] {
  const parts: string[] = [];
  for (let tick = 0; tick <= 4; tick++) {
    const [xValue, yValue] = [(xMax * tick) / 4, (yMax * tick) / 4];
    parts.push(
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(yValue).toFixed(1)}" y2="${y(yValue).toFixed(1)}" class="grid"/>`,
      `<text x="${margin.left - 6}" y="${(y(yValue) + 3).toFixed(1)}" text-anchor="end" class="axis">${short(yValue)}</text>`,
      `<text x="${x(xValue).toFixed(1)}" y="${height - margin.bottom + 14}" text-anchor="middle" class="axis">${short(xValue)}</text>`,
    );
  }
  parts.push(
    `<text x="${width - margin.right}" y="${height - 4}" text-anchor="end" class="axis">${escapeText(xLabel)}</text>`,
    `<text x="${margin.left}" y="${height - 4}" class="axis">${escapeText(yLabel)}</text>`,
  );
  return parts;
}

function legend(series: readonly Series[]): string {
  return series
    .map((each, index) => {
      const x = margin.left + 10 + index * 135;
      return `<rect x="${x}" y="4" width="10" height="3" fill="${each.colour}"/><text x="${x + 14}" y="10" class="axis">${escapeText(each.name)}</text>`;
    })
    .join('');
}

function scale(value: number, max: number, from: number, to: number): number {
  return from + ((to - from) * value) / max;
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

function svg(parts: readonly string[], tall = height): string {
  return `<svg viewBox="0 0 ${width} ${tall}" role="img">${parts.join('')}</svg>`;
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Plots as inline SVG: no library, no external file, light and dark by the reader's system. */
export interface Series {
  readonly name: string;
  /** CSS class: its colour. */
  readonly color: string;
  /** One value a second; null leaves a hole. */
  readonly values: readonly (number | null)[];
  readonly isFilled?: boolean;
}

export interface PlotMark {
  readonly second: number;
  readonly lastsSeconds: number;
  readonly name: string;
}

export interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly marks: readonly PlotMark[];
}

const size = { width: 1_100, height: 260, left: 64, right: 12, top: 14, bottom: 30 };
const innerWidth = size.width - size.left - size.right;
const innerHeight = size.height - size.top - size.bottom;
const gridLines = 4;
const labelGapPx = 13;
const labelledMarksMax = 24;

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10;
  return factor * power;
}

export function drawPlot({ title, unit, series, marks }: Plot): string {
  const count = Math.max(2, ...series.map(({ values }) => values.length));
  const values = series.flatMap((each) => each.values).filter((value) => value !== null);
  const ceiling = niceCeiling(values.reduce((a, b) => Math.max(a, b), 0));
  const x = (second: number): number => size.left + (second / (count - 1)) * innerWidth;
  const y = (value: number): number => size.top + innerHeight * (1 - value / ceiling);
  const { width, height } = size;
  const legend = series
    .map(({ name, color }) => `<span class="${color}">■</span> ${escapeHtml(name)}`)
    .join(' &nbsp; ');
  return [
    `<figure><figcaption><b>${escapeHtml(title)}</b> (${escapeHtml(unit)}) &nbsp; ${legend}`,
    '</figcaption>',
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">`,
    ...grid(ceiling, y, count, x),
    ...marks.map((mark, index) => drawMark(mark, index, marks.length, x)),
    ...series.map((each) => drawSeries(each, x, y)),
    '</svg></figure>',
  ].join('\n');
}

function grid(
  ceiling: number,
  y: (value: number) => number,
  count: number,
  x: (second: number) => number,
): string[] {
  const lines = Array.from({ length: gridLines + 1 }, (_, index) => {
    const value = (ceiling / gridLines) * index;
    const at = y(value).toFixed(1);
    return (
      `<line class="grid" x1="${size.left}" x2="${size.width - size.right}" ` +
      `y1="${at}" y2="${at}"/>` +
      `<text x="${size.left - 6}" y="${at}" text-anchor="end" dy="4">${label(value)}</text>`
    );
  });
  const step = niceCeiling(count / 12);
  const ticks: string[] = [];
  for (let second = 0; second < count; second += step) {
    const at = x(second).toFixed(1);
    ticks.push(`<text x="${at}" y="${size.height - 10}" text-anchor="middle">${second} s</text>`);
  }
  return [...lines, ...ticks];
}

function label(value: number): string {
  return value >= 1_000
    ? `${Number((value / 1_000).toFixed(1))}k`
    : String(Number(value.toFixed(2)));
}

function drawMark(
  { second, lastsSeconds, name }: PlotMark,
  index: number,
  count: number,
  x: (second: number) => number,
): string {
  const from = x(second);
  const width = Math.max(1.5, x(second + lastsSeconds) - from);
  const top = size.top;
  const tip = `<title>${escapeHtml(name)} at ${second.toFixed(1)} s</title>`;
  const box =
    `<rect class="fault" x="${from.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" ` +
    `height="${innerHeight}">${tip}</rect>`;
  if (count > labelledMarksMax) return box;
  const row = top + 10 + (index % 3) * labelGapPx;
  const at = (from + 3).toFixed(1);
  return `${box}<text class="name" x="${at}" y="${row}">${escapeHtml(name)}</text>`;
}

function drawSeries(
  { values, color, isFilled = false }: Series,
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const runs: string[][] = [[]];
  for (const [second, value] of values.entries()) {
    if (value === null) runs.push([]);
    else runs.at(-1)?.push(`${x(second).toFixed(1)},${y(value).toFixed(1)}`);
  }
  return runs
    .filter((points) => points.length > 0)
    .map((points) => {
      const line = `<polyline class="line ${color}" points="${points.join(' ')}"/>`;
      if (!isFilled) return line;
      const [first, last] = [points[0]?.split(',')[0], points.at(-1)?.split(',')[0]];
      const floor = y(0).toFixed(1);
      const area = `${first},${floor} ${points.join(' ')} ${last},${floor}`;
      return `<polygon class="area ${color}" points="${area}"/>${line}`;
    })
    .join('');
}

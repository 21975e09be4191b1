/** Plots as inline SVG, by Observable Plot: they need nothing from anywhere and print well. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const { document } = parseHTML('<html></html>');
const small = { document, width: 620, height: 230, marginLeft: 62 };

export interface Series {
  readonly name: string;
  /** Of CSS, also `var(--…)`. */
  readonly colour: string;
  /** Null leaves a hole. */
  readonly points: readonly (readonly [x: number, y: number | null])[];
  readonly dashed?: boolean;
  readonly isFilled?: boolean;
}

/** A time that is marked over the whole height, in the unit of x. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

interface Axes {
  readonly xLabel: string;
  readonly yLabel: string;
  readonly spans?: readonly Span[];
}

const spansNamedMax = 24;

/** What is marked lies below, the later series on top. */
function linesOf(series: readonly Series[], { xLabel, yLabel, spans = [] }: Axes) {
  const named = spans.length > spansNamedMax ? [] : spans;
  return {
    x: { label: xLabel },
    y: { label: yLabel, grid: true, zero: true, nice: true },
    color: {
      legend: true,
      domain: series.map(({ name }) => name),
      range: series.map(({ colour }) => colour),
    },
    marks: [
      Plot.rectX(spans, { x1: 'from', x2: 'to', fill: 'red', fillOpacity: 0.25, title: 'name' }),
      ...[0, 1, 2].map((row) => {
        const shown = named.filter((_, index) => index % 3 === row);
        const place = {
          frameAnchor: 'top-left',
          textAnchor: 'start',
          dx: 3,
          dy: row * 12,
        } as const;
        return Plot.text(shown, { x: 'from', text: 'name', fill: 'red', ...place });
      }),
      ...series.flatMap(({ name, points, dashed, isFilled }) => {
        const place = { x: '0', y: '1' }; // of each point
        const colour = (): string => name; // by the scale; a text would name a field
        const strokeDasharray = dashed === true ? '4 3' : 'none';
        const line = Plot.lineY(points, { ...place, stroke: colour, strokeDasharray });
        const area = { ...place, fill: colour, fillOpacity: 0.15 };
        return isFilled === true ? [Plot.areaY(points, area), line] : [line];
      }),
    ],
  };
}

/** Lines over time. */
export function linePlot(series: readonly Series[], xLabel: string, yLabel: string): string {
  return Plot.plot({ ...small, ...linesOf(series, { xLabel, yLabel }) }).outerHTML;
}

/** As `linePlot`, as wide as a page. */
export function widePlot(series: readonly Series[], axes: Axes): string {
  const size = { width: 1_100, height: 260, marginLeft: 64 };
  return Plot.plot({ document, ...size, ...linesOf(series, axes) }).outerHTML;
}

export interface Dot {
  readonly name: string;
  readonly colour: string;
  readonly x: number;
  readonly y: number;
}

/** Dots with their names; y is drawn as a root, because it spans from none to thousands. */
export function dotPlot(dots: readonly Dot[], xLabel: string, yLabel: string): string {
  return Plot.plot({
    ...small,
    x: { label: xLabel, zero: true, nice: true },
    y: { label: yLabel, type: 'sqrt', zero: true, nice: true, grid: true },
    marks: [
      Plot.dot(dots, { x: 'x', y: 'y', r: 4, fill: 'colour' }),
      Plot.text(dots, { x: 'x', y: 'y', text: 'name', textAnchor: 'start', dx: 6 }),
    ],
  }).outerHTML;
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
  const figure = ({ value }: Bar): string =>
    value > max ? `${value.toFixed(1)} →` : value.toFixed(2);
  return Plot.plot({
    ...small,
    height: bars.length * 20 + 50,
    marginLeft: 140,
    x: { label, domain: [0, max], clamp: true },
    y: { label: null, domain: bars.map(({ name }) => name) },
    marks: [
      Plot.barX(bars, { x: 'value', y: 'name', fill: 'colour' }),
      Plot.ruleY(bars, { x1: 'low', x2: 'high', y: 'name' }),
      Plot.text(bars, { x: 0, y: 'name', text: figure, textAnchor: 'start', dx: 4 }),
      Plot.ruleX([1], { strokeDasharray: '2 2' }),
    ],
  }).outerHTML;
}

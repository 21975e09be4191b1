/**
 * Prometheus metrics of figures that are kept as plain numbers where they happen, and read when
 * somebody asks. By the convention of Prometheus, what only grows is a counter and ends in
 * `_total`; everything else is a gauge in base units (seconds, bytes).
 */
import { Counter, Gauge, type Registry } from 'prom-client';

interface Figure {
  readonly name: string;
  readonly help: string;
  /** A value, or one for each value of `label`. */
  readonly read: () => number | Iterable<readonly [labelValue: string, value: number]>;
  readonly label?: string;
}

/** A counter where the name ends in `_total`, a gauge elsewhere. */
export function exportFigure(register: Registry, { name, help, read, label }: Figure): void {
  const labelNames = label === undefined ? [] : [label];
  const options = { name, help, labelNames, registers: [register] };
  const each = (write: (labels: Record<string, string>, value: number) => void): void => {
    const found = read();
    if (typeof found === 'number') write({}, found);
    else for (const [labelValue, value] of found) write({ [label ?? '']: labelValue }, value);
  };
  if (name.endsWith('_total')) {
    new Counter({
      ...options,
      collect() {
        this.reset();
        each((labels, value) => this.inc(labels, value));
      },
    });
  } else {
    new Gauge({
      ...options,
      collect() {
        this.reset();
        each((labels, value) => this.set(labels, value));
      },
    });
  }
}

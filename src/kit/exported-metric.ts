/**
 * Prometheus metrics of figures that the code keeps as plain numbers: they are read when Prometheus
 * asks. By the convention of Prometheus, a figure that only grows is a counter and ends in
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

/** A counter where the name ends in `_total`, else a gauge. */
export function exportFigure(register: Registry, { name, help, read, label }: Figure): void {
  const labelNames = label === undefined ? [] : [label];
  const Metric = name.endsWith('_total') ? Counter : Gauge;
  new Metric({
    name,
    help,
    labelNames,
    registers: [register],
    collect() {
      const found = read();
      this.reset(); // so that adding sets the value
      if (typeof found === 'number') this.inc({}, found);
      else for (const [labelValue, value] of found) this.inc({ [label ?? '']: labelValue }, value);
    },
  });
}

/**
 * What happens next: a binary heap over two typed arrays, because a million requests are three
 * million events and an object for each would cost more than the simulation.
 */
export class EventQueue {
  private times = new Float64Array(1024);
  private payloads = new Int32Array(1024);
  private length = 0;

  get size(): number {
    return this.length;
  }

  /** The time of the next event; only valid while `size` > 0. */
  nextTime(): number {
    return this.times[0] as number;
  }

  push(time: number, payload: number): void {
    if (this.length === this.times.length) this.grow();
    const { times, payloads } = this;
    let hole = this.length++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentTime = times[parent] as number;
      if (parentTime <= time) break;
      times[hole] = parentTime;
      payloads[hole] = payloads[parent] as number;
      hole = parent;
    }
    times[hole] = time;
    payloads[hole] = payload;
  }

  /** Removes the next event and returns its payload. */
  pop(): number {
    const { times, payloads } = this;
    const first = payloads[0] as number;
    const length = --this.length;
    const time = times[length] as number;
    const payload = payloads[length] as number;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= length) break;
      if (child + 1 < length && (times[child + 1] as number) < (times[child] as number)) child++;
      const childTime = times[child] as number;
      if (childTime >= time) break;
      times[hole] = childTime;
      payloads[hole] = payloads[child] as number;
      hole = child;
    }
    times[hole] = time;
    payloads[hole] = payload;
    return first;
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    const payloads = new Int32Array(times.length);
    times.set(this.times);
    payloads.set(this.payloads);
    this.times = times;
    this.payloads = payloads;
  }
}

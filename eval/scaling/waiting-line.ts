/** First in, first out, of small whole numbers, in a ring that grows. */
export class WaitingLine {
  private ring = new Int32Array(256);
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(value: number): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = value;
    this.count++;
  }

  /** The longest waiting, or -1. */
  first(): number {
    return this.count === 0 ? -1 : (this.ring[this.head] as number);
  }

  shift(): number {
    const value = this.first();
    if (this.count > 0) {
      this.head = (this.head + 1) & (this.ring.length - 1);
      this.count--;
    }
    return value;
  }

  private grow(): void {
    const larger = new Int32Array(this.ring.length * 2);
    for (let index = 0; index < this.count; index++) {
      larger[index] = this.ring[(this.head + index) & (this.ring.length - 1)] as number;
    }
    this.ring = larger;
    this.head = 0;
  }
}

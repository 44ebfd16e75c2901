/** A seeded generator, so that a story that failed can be told again. The clock still has its say in what real processes do. */
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('there is nothing to pick from');
    return from[this.below(from.length)]!;
  }

  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((value) => ({ value, at: this.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }

  /** A ULID; its time part is drawn as well, for nothing may depend on it. */
  ulid(): string {
    let id = '01';
    while (id.length < 26) id += CROCKFORD[this.below(32)]!;
    return id;
  }

  /** An independent generator, so that what one client draws does not depend on how fast another one is. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 4_294_967_296));
  }
}

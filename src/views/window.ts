/**
 * The documents of one stream as a long fold makes them, of which only so many are held as fit into memory: of the others it keeps the key
 * and the order, and which of them an answer may need after all. Those are folded once more, by themselves.
 */
import { isWithin, outcomeOf } from './projection.ts';
import type { Known, PageRange, Step } from './projection.ts';

export interface WindowOptions<Doc> {
  /** Only documents that fit are wanted; all of them when absent. */
  readonly fits?: ((doc: Doc) => boolean) | undefined;
  /** How many are held at once. */
  readonly held: number;
}

export interface Candidate<Doc> {
  readonly key: string;
  readonly order: number;
  readonly doc: Doc | undefined;
}

const SORTED_AT_ONCE = 1_000;

export class Window<Doc extends object> {
  private readonly fits: ((doc: Doc) => boolean) | undefined;
  private readonly most: number;
  private readonly orders = new Map<string, number>();
  /** The last put comes last. */
  private readonly held = new Map<string, Doc>();
  /** Of what is not held, what fitted when it was let go of or was changed since. */
  private readonly doubtful = new Set<string>();

  constructor({ fits, held }: WindowOptions<Doc>) {
    this.fits = fits;
    this.most = held;
  }

  load(key: string, order: number, doc: Doc): void {
    this.keep(key, order, doc);
  }

  apply(steps: readonly Step<Doc>[]): void {
    for (const [key, now] of outcomeOf(steps, (each) => this.known(each))) {
      if (now === undefined) {
        this.orders.delete(key);
        this.held.delete(key);
        this.doubtful.delete(key);
      } else if (now.doc !== undefined) this.keep(key, now.order, now.doc);
      else if (this.fits) this.doubtful.add(key);
    }
  }

  /**
   * What the answer is made of, nearest first: documents that fit, and without content what may fit and is not held. No more than the
   * range's limit where all that are held back are sure to be in it.
   */
  nearest(range: PageRange): Candidate<Doc>[] {
    const limit = this.doubtful.size > 0 ? Infinity : range.limit;
    const sign = range.direction === 'up' ? 1 : -1;
    let nearest: Candidate<Doc>[] = [];
    const cut = () => {
      nearest = nearest.toSorted((a, b) => sign * (a.order - b.order)).slice(0, limit);
    };
    for (const [key, order] of this.orders) {
      if (!isWithin(range, order)) continue;
      const doc = this.held.get(key);
      const isIn = !this.fits || (doc === undefined ? this.doubtful.has(key) : this.fits(doc));
      if (isIn) nearest.push({ key, order, doc });
      if (nearest.length > 2 * limit + SORTED_AT_ONCE) cut();
    }
    cut();
    return nearest;
  }

  private known(key: string): Known<Doc> | undefined {
    const order = this.orders.get(key);
    if (order === undefined) return undefined;
    const doc = this.held.get(key);
    return doc === undefined ? { order, doc } : { order, doc };
  }

  private keep(key: string, order: number, doc: Doc): void {
    this.orders.set(key, order);
    this.held.delete(key);
    this.held.set(key, doc);
    this.doubtful.delete(key);
    if (this.held.size > this.most) this.letGo();
  }

  private letGo(): void {
    const [key, doc] = this.held.entries().next().value!;
    this.held.delete(key);
    if (this.fits?.(doc)) this.doubtful.add(key);
  }
}

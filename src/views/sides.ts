/**
 * The two sides of a view in a partition: one is read and kept up with the log, on the other it may be built anew. One field says which side
 * is read. A program that has not heard of a switch yet reads the other side, which is right as well: what it lacks is folded from the log, as
 * always. Owns the names of the sides.
 */
import { SIDES_KEY } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { viewName } from './projection.ts';
import type { Projection } from './projection.ts';

export type Side = 'a' | 'b';

/** Under which name the keys of a view lie. */
export interface Naming {
  nameOf(projection: Projection, stream: StreamRef): string;
  /** Looks which sides are read now. */
  refresh?(): Promise<void>;
}

export const otherSide = (side: Side): Side => (side === 'a' ? 'b' : 'a');

/** The first side has the view's own name. */
export const nameOnSide = (view: string, side: Side): string => (side === 'a' ? view : `${view}b`);

export const sidesOf = (view: string): readonly string[] => [nameOnSide(view, 'a'), nameOnSide(view, 'b')];

/** How long a node may go on reading the former side. */
const LOOK_MS = 2_000;

export class Sides implements Naming {
  private readonly log: Log;
  private second: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  nameOf(projection: Projection, { id }: StreamRef): string {
    return nameOnSide(viewName(projection), this.of(projection, this.log.keys.partitionOf(id)));
  }

  /** The side that is read in a partition, as far as is known here. */
  of(projection: Projection, partition: number): Side {
    return this.second.has(field(projection, partition)) ? 'b' : 'a';
  }

  async refresh(): Promise<void> {
    const found = await this.log.connection.commands.hgetall(SIDES_KEY);
    this.second = new Set(Object.keys(found).filter((name) => found[name] === 'b'));
  }

  /** Has these views read on this side from now on. */
  async turn(projections: readonly Projection[], partition: number, sideOf: (p: Projection) => Side): Promise<void> {
    const values = projections.flatMap((projection) => [field(projection, partition), sideOf(projection)]);
    if (values.length > 0) await this.log.connection.commands.hset(SIDES_KEY, ...values);
    await this.refresh();
  }

  /** Whether a view has ever been turned here: only then there is something on its other side. */
  async wasTurned(projection: Projection, partition: number): Promise<boolean> {
    return (await this.log.connection.commands.hexists(SIDES_KEY, field(projection, partition))) === 1;
  }

  /** Hears of every switch a little later. Where that cannot be asked, what was known goes on being right. */
  async start(): Promise<void> {
    await this.refresh().catch(() => {});
    this.timer = setInterval(() => void this.refresh().catch(() => {}), LOOK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

const field = (projection: Projection, partition: number): string => `${partition} ${viewName(projection)}`;

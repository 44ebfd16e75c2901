/**
 * Fires the timers that scripts have set: each partition's by one worker at a time, within about a second of when they are due. Owns asking
 * what is due, trying again what could not be done just now, and parking what failed. A timer acts once because the script that acts
 * takes it away; this side may well fire twice, after a crash or a doubt. Refuses to know what a timer does.
 */
import { ChatError, reasonOf } from '../errors.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Say, Warn } from '../log/connection.ts';
import type { Timer } from '../log/effects.ts';
import type { Log } from '../log/log.ts';
import { Loops } from './loops.ts';
import { Share } from './share.ts';
import type { Held } from './share.ts';
import { backOffMs, inTime, isPassing } from './trying.ts';

export interface TimersOptions {
  readonly log: Log;
  readonly warn: Warn;
  readonly info?: Say;
  /** Unique to this start of this process. */
  readonly worker: string;
  readonly leaseMs: number;
}

/** Why a timer does not fire any more, as it is kept under `parked`. */
interface ParkedTimer {
  readonly due_at: number;
  readonly error: string;
}

interface Due {
  readonly at: Holding;
  /** `<kind> <name>` */
  readonly timer: string;
  /** As Redis gives the score. */
  readonly due: string;
}

const ASK_EVERY_MS = 500;
/** Timers in hand at a time; on a Cluster of each partition. */
const AT_ONCE = 64;
/** One whose kind is not known here may be a newer program's, which runs beside this one while nodes are exchanged. */
const UNKNOWN_AGAIN_MS = 5_000;
/** Timers whose tries are counted. */
const MAX_COUNTED = 1_000;
const PARKED = 'timer ';

/** A partition whose timers this worker fires. */
class Holding implements Held {
  readonly number: number;
  readonly fence: string;
  isLost = false;
  isOpen = false;
  readonly firing = new Map<string, Promise<void>>();

  constructor(number: number, fence: string) {
    this.number = number;
    this.fence = fence;
  }

  lose(): void {
    this.isLost = true;
  }

  async idle(): Promise<void> {
    await Promise.all(this.firing.values());
  }
}

export class Timers {
  private readonly options: TimersOptions;
  private readonly kinds: ReadonlyMap<string, Timer>;
  private readonly share: Share<Holding>;
  private readonly group: ConsumerGroup;
  /** Tries in a row that came to nothing, the last tried last. */
  private readonly tries = new Map<string, number>();
  private readonly loops = new Loops((error) => this.tell(error));

  constructor(options: TimersOptions, timers: readonly Timer[]) {
    const { log, worker, leaseMs, info } = options;
    this.options = options;
    this.kinds = new Map(timers.map((timer) => [timer.kind, timer]));
    const group = new ConsumerGroup(log, 'timers', worker);
    this.group = group;
    const hold = (number: number, fence: string) => new Holding(number, fence);
    this.share = new Share({ group, partitions: log.keys.partitions, leaseMs, hold, info });
  }

  async start(): Promise<void> {
    const { log, leaseMs } = this.options;
    await this.share.renew();
    this.loops.every(leaseMs / 3, () => this.share.renew());
    this.loops.repeat(async () => {
      await this.share.assign((holding) => this.apart(holding, () => this.open(holding)));
      await this.loops.pause(leaseMs / 3);
    });
    const all = Array.from({ length: log.keys.partitions }, (_, i) => i);
    // On a Cluster each partition is asked by itself, and the trouble of one master is not the others'.
    for (const partitions of log.connection.isCluster ? all.map((p) => [p]) : [all]) {
      this.loops.repeat(async () => {
        const inHand = await this.fireDue(partitions);
        const next = this.loops.pause(ASK_EVERY_MS);
        await (inHand.length < AT_ONCE ? next : Promise.race([next, ...inHand]));
      });
    }
  }

  async stop(): Promise<void> {
    this.share.lose();
    await this.loops.stop();
    await this.share.leave();
  }

  /** What was parked gets one more try: this may be a newer program. */
  private async open(holding: Holding): Promise<void> {
    const parked = Object.entries(await this.group.parked(holding.number));
    const again = parked.flatMap(([name, why]) => {
      if (!name.startsWith(PARKED) || !this.kinds.has(kindOf(name.slice(PARKED.length)))) return [];
      return [name.slice(PARKED.length), String((JSON.parse(why) as ParkedTimer).due_at)];
    });
    await this.options.log.runAt('timer.release', holding.number, { timers_and_dues: again });
    holding.isOpen = true;
  }

  /** Begins to fire what is due, and does not wait for it: one that hangs holds up no other. Answers what is in hand. */
  private async fireDue(partitions: readonly number[]): Promise<Promise<void>[]> {
    const { log } = this.options;
    const open = partitions.flatMap((n) => this.share.held.get(n) ?? []).filter((h) => h.isOpen && !h.isLost);
    const inHand = () => open.flatMap(({ firing }) => [...firing.values()]);
    const room = AT_ONCE - inHand().length;
    const [first] = open;
    if (!first || room <= 0) return inHand();
    const keys = open.map(({ number }) => log.keys.at(number, 'timers'));
    const [, ...found] = await log.runAt('timer.due', first.number, { most: String(AT_ONCE) }, keys);
    const due: Due[] = [];
    for (let i = 0; i < found.length; i += 3) {
      const [at, timer, since] = [open[Number(found[i])]!, String(found[i + 1]), String(found[i + 2])];
      if (timer === '') await this.apart(at, () => Promise.reject(new Error(since)));
      else if (!at.firing.has(timer)) due.push({ at, timer, due: since });
    }
    for (const one of due.toSorted((a, b) => Number(a.due) - Number(b.due)).slice(0, room)) {
      const fired = this.fire(one).finally(() => one.at.firing.delete(one.timer));
      one.at.firing.set(one.timer, fired);
    }
    return inHand();
  }

  /** Never throws: what cannot be settled is due again with the next asking. */
  private async fire(one: Due): Promise<void> {
    const { timer, due } = one;
    try {
      const kind = kindOf(timer);
      const known = this.kinds.get(kind);
      if (!known) return await this.settle(one, { again: UNKNOWN_AGAIN_MS });
      await inTime(known.fire(timer.slice(kind.length + 1), Number(due)));
      this.tries.delete(timer);
      await this.settle(one, {});
    } catch (error) {
      await this.failed(one, error as Error).catch((trouble: unknown) => this.tell(trouble));
    }
  }

  private async failed(one: Due, error: Error): Promise<void> {
    const { timer, due } = one;
    if (isPassing(error)) {
      const tries = (this.tries.get(timer) ?? 0) + 1;
      this.tries.delete(timer);
      this.tries.set(timer, tries);
      if (this.tries.size > MAX_COUNTED) this.tries.delete(this.tries.keys().next().value!);
      return this.settle(one, { again: backOffMs(tries) });
    }
    this.tries.delete(timer);
    this.options.warn('a timer has failed and is parked', { timer, error: error.message });
    return this.settle(one, { parked: { due_at: Number(due), error: error.message } });
  }

  private async settle(
    { at, timer, due }: Due,
    { parked, again }: { parked?: ParkedTimer; again?: number },
  ): Promise<void> {
    const why = parked ? JSON.stringify(parked) : '';
    const args = { timer, due, why, again: again === undefined ? '' : String(again) };
    await this.options.log.runAt('timer.settle', at.number, args);
  }

  /** A partition whose timers cannot be read holds up no other: it is let go, and taken again with the next share. */
  private async apart(holding: Holding, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (error instanceof ChatError) throw error;
      this.share.drop(holding);
      this.tell(error, { partition: holding.number });
    }
  }

  private tell(error: unknown, about: Record<string, unknown> = {}): void {
    this.options.warn(`timers: ${reasonOf(error)}`, about);
  }
}

const kindOf = (timer: string): string => timer.slice(0, timer.indexOf(' '));

/**
 * Limits on how often something may be done, counted over all nodes together: the table of what is limited, and the counting.
 *
 * The count is in Redis (lua/limit.take.lua), but a round trip more for each message would cost everyone. So a node may be ahead of it:
 * where much is left it lets what is asked for pass at once and charges it a little later, several times in one call. It is never ahead
 * by more than a tenth of an allowance, so all nodes together let pass too much by at most that for each node. Where less than a quarter
 * is left, where the allowance is below twenty, or counts an hour, it asks first, and the count is exact.
 *
 * Refuses to guess: without Redis nothing passes that was not allowed before, but for that tenth.
 */
import { networkOf } from './addresses.ts';
import type { Config } from './config.ts';
import { asChatError, fail } from './errors.ts';
import type { Context, Left } from './envelope.ts';
import type { ChatError } from './errors.ts';

export interface Allowance {
  /** As clients are told it. */
  readonly name: string;
  /** 0 is no limit. */
  readonly most: number;
  readonly seconds: number;
}

const MINUTE = 60;
const HOUR = 3_600;
/** A user may ask so many times as often as an address whose caller is not known. */
const USER_REQUESTS = 10;
/** This part of an allowance a node may be ahead of the count; of so small a one it is not. */
const AHEAD = 1 / 10;
const SMALL = 20;
/** When it has used so much of that, it is time to charge it: the rest is for while that is under way. */
const DUE = 0.8;
/** Where less than this part is left, the count is asked first. */
const SCARCE = 1 / 4;
/** Subjects that nothing was asked of for one to two times as long are forgotten: their allowances are whole again. */
const GENERATION_MS = MINUTE * 1_000;
const MAX_SUBJECTS = 50_000;

/** What is limited, and by which setting. */
export const allowancesOf = (config: Config) =>
  ({
    login: { name: 'log-ins', most: config.RATE_LIMIT_LOGINS_PER_MINUTE, seconds: MINUTE },
    open_request: { name: 'requests', most: config.RATE_LIMIT_REQUESTS_PER_MINUTE, seconds: MINUTE },
    request: { name: 'requests', most: config.RATE_LIMIT_REQUESTS_PER_MINUTE * USER_REQUESTS, seconds: MINUTE },
    message: { name: 'messages', most: config.RATE_LIMIT_MESSAGES_PER_MINUTE, seconds: MINUTE },
    reaction: { name: 'reactions', most: config.RATE_LIMIT_REACTIONS_PER_MINUTE, seconds: MINUTE },
    typing: { name: 'typing signals', most: config.RATE_LIMIT_TYPING_PER_MINUTE, seconds: MINUTE },
    handshake: { name: 'handshakes', most: config.RATE_LIMIT_HANDSHAKES_PER_MINUTE, seconds: MINUTE },
    conversation: { name: 'new conversations', most: config.RATE_LIMIT_CONVERSATIONS_PER_HOUR, seconds: HOUR },
    export: { name: 'exports', most: config.RATE_LIMIT_EXPORTS_PER_HOUR, seconds: HOUR },
    upload: { name: 'uploads', most: config.RATE_LIMIT_UPLOADS_PER_HOUR, seconds: HOUR },
  }) satisfies Record<string, Allowance>;

export type Action = keyof ReturnType<typeof allowancesOf>;

/** Runs the script for a subject. Throws `unavailable` or `unknown_outcome`. */
export type Take = (subject: string, asked: readonly string[]) => Promise<readonly (string | number | null)[]>;

/** An address as a subject: whoever shares an IPv6 network shares its allowances. */
export const addressSubject = (address: string): string =>
  networkOf(address).replaceAll(':', '-').replace('/', '_') || 'unknown';

export class Limits {
  private readonly allowances: Readonly<Record<Action, Allowance>>;
  private readonly take: Take;
  /** Those that were asked of since the generation began, and those of the one before. */
  private subjects = new Map<string, Subject>();
  private earlier = new Map<string, Subject>();
  private since = 0;
  /** How often something was refused, by what it was. */
  readonly refused = new Map<Action, number>();

  constructor(allowances: Readonly<Record<Action, Allowance>>, take: Take) {
    this.allowances = allowances;
    this.take = take;
  }

  /**
   * Takes one of the times that a user (by id), an address or another subject is allowed, and answers what this node knows to be left; of
   * no limit nothing. Throws `rate_limited` or `unavailable`.
   */
  async spend(action: Action, subject: string, now: number): Promise<Left | undefined> {
    const allowance = this.allowances[action];
    if (allowance.most === 0) return undefined;
    try {
      return await this.subjectOf(subject, now).spend(action, allowance, now);
    } catch (error) {
      if (asChatError(error).code === 'rate_limited') this.refused.set(action, (this.refused.get(action) ?? 0) + 1);
      throw error;
    }
  }

  /** The same for who calls, who is told what is left. */
  async spendFor(
    { caller, now, tellLeft }: Pick<Context, 'caller' | 'now' | 'tellLeft'>,
    action: Action,
  ): Promise<void> {
    const left = await this.spend(action, caller.userId, now);
    tellLeft?.(left);
  }

  private subjectOf(id: string, now: number): Subject {
    // Who acts for a moment that is past, as a late timer does, must not make it forget.
    if (this.subjects.size >= MAX_SUBJECTS || now - this.since > GENERATION_MS) {
      this.earlier = this.subjects;
      this.subjects = new Map();
      this.since = Math.max(this.since, now);
    }
    let subject = this.subjects.get(id);
    if (!subject) {
      subject = this.earlier.get(id) ?? new Subject((asked) => this.take(id, asked));
      this.subjects.set(id, subject);
    }
    return subject;
  }
}

/** One user or address: its allowances, of which one call at a time is settled with Redis. */
class Subject {
  private readonly meters = new Map<Action, Meter>();
  private readonly take: (asked: readonly string[]) => ReturnType<Take>;
  private isSettling = false;
  private now = 0;

  constructor(take: (asked: readonly string[]) => ReturnType<Take>) {
    this.take = take;
  }

  async spend(action: Action, allowance: Allowance, now: number): Promise<Left> {
    this.now = Math.max(this.now, now);
    let meter = this.meters.get(action);
    if (!meter) this.meters.set(action, (meter = new Meter(allowance, now)));
    const waits = meter.spend(now);
    if (!this.isSettling && meter.isDue) void this.settle();
    if (waits) await waits;
    return meter.standing(now);
  }

  private async settle(): Promise<void> {
    this.isSettling = true;
    while ([...this.meters.values()].some(({ isDue }) => isDue)) {
      const bills = [...this.meters].flatMap(([action, meter]) => meter.bill(action) ?? []);
      try {
        const [, ...numbers] = await this.take(bills.flatMap(({ words }) => words));
        bills.forEach(({ meter }, i) => meter.settled(numbers.slice(3 * i, 3 * i + 3).map(Number), this.now));
      } catch (error) {
        for (const { meter } of bills) meter.failed(error);
      }
    }
    this.isSettling = false;
  }
}

interface Waiting {
  resolve(): void;
  reject(error: ChatError): void;
}

/** One allowance of one subject, as this node knows it. */
class Meter {
  private readonly allowance: Allowance;
  private readonly ahead: number;
  /** Let pass and not charged yet; the second of them is being charged. */
  private owed = 0;
  private charging = 0;
  private waiting: Waiting[] = [];
  private asking: Waiting[] = [];
  /** As Redis said last, and when. Whom a node does not know it takes for somebody who did nothing elsewhere. */
  private left: number;
  private at: number;
  private shutUntil = 0;
  private isKnown = true;

  constructor(allowance: Allowance, now: number) {
    const { most, seconds } = allowance;
    this.allowance = allowance;
    this.ahead = seconds > MINUTE || most < SMALL ? 0 : Math.floor(most * AHEAD);
    this.left = most;
    this.at = now;
  }

  /** Nothing to wait for where it passes at once. Throws `rate_limited` where Redis said so before. */
  spend(now: number): Promise<void> | undefined {
    const { allowance, shutUntil } = this;
    // A clock that jumped back must shut nobody out.
    if (now < shutUntil && shutUntil - now <= allowance.seconds * 1_000) throw tooOften(allowance, shutUntil - now);
    if (this.mayGoAhead(now)) {
      this.owed += 1;
      return undefined;
    }
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Whether it is time to ask Redis. What could not be charged waits for the next who asks. */
  get isDue(): boolean {
    return this.waiting.length > 0 || (this.isKnown && this.owed > 0 && this.owed >= this.ahead * DUE);
  }

  /** What the script is asked, which is under way from here on. */
  bill(action: Action): { meter: Meter; words: string[] } | undefined {
    const { allowance, owed, waiting } = this;
    if (owed + waiting.length === 0) return undefined;
    const numbers = [allowance.most, allowance.seconds * 1_000, owed, waiting.length];
    [this.charging, this.owed] = [owed, 0];
    [this.asking, this.waiting] = [waiting, []];
    return { meter: this, words: [action, ...numbers.map(String)] };
  }

  settled([granted = 0, left = 0, waitMs = 0]: readonly number[], now: number): void {
    const { allowance, asking } = this;
    Object.assign(this, { charging: 0, asking: [], left, at: now, isKnown: true });
    if (granted < asking.length) this.shutUntil = now + waitMs;
    asking.forEach((one, i) => (i < granted ? one.resolve() : one.reject(tooOften(allowance, waitMs))));
  }

  /** It may have been charged all the same; twice is better than never. */
  failed(error: unknown): void {
    const { asking } = this;
    const known = asChatError(error);
    const refusal = known.code === 'unknown_outcome' ? fail('unavailable', undefined, { cause: error }) : known;
    Object.assign(this, { owed: this.owed + this.charging, charging: 0, asking: [], isKnown: false });
    for (const one of asking) one.reject(refusal);
  }

  standing(now: number): Left {
    const { allowance } = this;
    const times = Math.max(0, this.leftAt(now));
    const wholeIn = Math.ceil(((allowance.most - times) / allowance.most) * allowance.seconds);
    return { ...allowance, times: Math.floor(times), wholeIn };
  }

  private mayGoAhead(now: number): boolean {
    const { allowance, ahead, waiting, isKnown } = this;
    if (!isKnown || this.owed + this.charging >= ahead || waiting.length > 0) return false;
    return this.leftAt(now) > allowance.most * SCARCE;
  }

  private leftAt(now: number): number {
    const { most, seconds } = this.allowance;
    const refilled = (Math.max(0, now - this.at) / (seconds * 1_000)) * most;
    return Math.min(most, this.left + refilled) - this.owed - this.charging;
  }
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers: which limits there are, and where each of them stands. */
export const limitHeaders = (all: readonly Left[]): Record<string, string> => ({
  'RateLimit-Policy': all.map(({ name, most, seconds }) => `"${name}";q=${most};w=${seconds}`).join(', '),
  RateLimit: all.map(({ name, times, wholeIn }) => `"${name}";r=${times};t=${wholeIn}`).join(', '),
});

/** The refusal of who may come back after so many milliseconds. */
function tooOften(allowance: Allowance, waitMs: number): ChatError {
  const { name, most, seconds } = allowance;
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1_000));
  const headers = limitHeaders([{ ...allowance, times: 0, wholeIn: retryAfter }]);
  return fail('rate_limited', `Too many ${name}: at most ${most} in ${seconds} seconds`, { retryAfter, headers });
}

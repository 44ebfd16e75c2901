/**
 * A writer: sends one message after the other and repeats each with the same id, on any node, until it is acknowledged or refused for
 * good. By REST or by WebSocket. Between messages it may do something to those that are there: edit, delete, react, mark. Everything
 * goes through its ledger.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BackOff } from './client.ts';
import type { Person } from './client.ts';
import type { Command, Door } from './doors.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** A message that somebody sent a moment ago. */
export interface Recent {
  readonly conversation: string;
  readonly message: string;
}

export interface WriterOptions {
  readonly person: Person;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly door: Door;
  readonly conversations: readonly string[];
  /** Nodes to choose from at each try. */
  readonly bases: () => readonly string[];
  /** Milliseconds between two messages, at most. */
  readonly pace?: number;
  /** Ends after this many messages. */
  readonly count?: number;
  /** Sends an acknowledged message again, up to so many times: each answer must name the same event. */
  readonly again?: number;
  /** How often, after a message, something is done to one that is there. */
  readonly deeds?: number;
  /** What all writers sent last, shared by them. */
  readonly recent: Recent[];
}

const EMOJI = ['👍', '❤️', '🎉'];
const MAX_RECENT = 50;

/** The same command may help later; everything else is the server's last word. */
const WORTH_REPEATING = new Set(['unavailable', 'unknown_outcome', 'internal', 'rate_limited']);

export class Writer {
  acked = 0;
  refused = 0;
  repeats = 0;
  /** Deeds that came to an end. */
  deeds = 0;
  /** Codes that tries were answered with, and how often. */
  readonly codes = new Map<string, number>();
  /** Unix ms of the last ack, and the longest time without one. */
  longestSilenceMs = 0;
  private lastAck = Date.now();
  private readonly options: WriterOptions;
  private stopping = false;
  private abandoned = false;
  private working: Promise<void> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.options = options;
  }

  start(): void {
    this.lastAck = Date.now();
    this.working = this.run();
  }

  /** Sends no new message; resolves when the one under way has its answer. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.working;
    this.options.door.close();
  }

  /** Gives up, also on what has no answer yet. */
  abandon(): void {
    this.stopping = true;
    this.abandoned = true;
    this.options.door.close();
  }

  /** Resolves when `count` messages are through. */
  done(): Promise<void> {
    return this.working;
  }

  private async run(): Promise<void> {
    const { random, pace = 0, count = Infinity } = this.options;
    for (let n = 1; n <= count && !this.stopping; n += 1) {
      await this.sendOne(n);
      if (pace > 0) await sleep(random.between(0, pace));
    }
  }

  /** Sends a message until there is a last word. */
  private async sendOne(n: number): Promise<void> {
    const { person, ledger, random, conversations, door, bases } = this.options;
    const [conversation, message] = [random.pick(conversations), random.ulid()];
    const content = `${person.name} says ${n}`;
    const command = { type: 'message.send', data: { conversation_id: conversation, id: message, content } };
    ledger.write({ line: 'sent', client: person.name, conversation, message, content });
    const backOff = new BackOff(random);
    let again = random.below((this.options.again ?? 0) + 1);
    for (;;) {
      const outcome = await door.send(random.pick(bases()), person, command);
      if (outcome.kind === 'acked') {
        const { event, durability } = outcome;
        ledger.write({ line: 'acked', client: person.name, message, event, durability });
        if (again > 0) {
          again -= 1;
          this.repeats += 1;
          continue;
        }
        this.count();
        this.options.recent.push({ conversation, message });
        if (this.options.recent.length > MAX_RECENT) this.options.recent.shift();
        if (random.chance(this.options.deeds ?? 0)) await this.act({ conversation, message });
        return;
      }
      const code = outcome.kind === 'refused' ? outcome.code : 'no_answer';
      this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
      if (outcome.kind === 'refused' && !WORTH_REPEATING.has(code)) {
        ledger.write({ line: 'failed', client: person.name, message, code });
        this.refused += 1;
        return;
      }
      if (this.abandoned) return;
      this.repeats += 1;
      await backOff.wait();
    }
  }

  /** Does something to the own message, or to one that is there, until there is a last word. */
  private async act(own: Recent): Promise<void> {
    const { person, ledger, random, door, bases } = this.options;
    const command = this.deedOn(own);
    const { request } = command;
    const client = person.name;
    ledger.write({ line: 'did', client, conversation: command.data.conversation_id, request, deed: command.type });
    for (const backOff = new BackOff(random); !this.abandoned; this.repeats += 1, await backOff.wait()) {
      const outcome = await door.send(random.pick(bases()), person, command);
      if (outcome.kind === 'silent') continue;
      if (outcome.kind === 'refused' && WORTH_REPEATING.has(outcome.code)) continue;
      if (outcome.kind === 'acked') ledger.write({ line: 'done', client, request, event: outcome.event });
      else ledger.write({ line: 'undone', client, request, code: outcome.code });
      this.deeds += 1;
      return;
    }
  }

  private deedOn(own: Recent): Command & { readonly request: string } {
    const { random, recent } = this.options;
    const { conversation, message } = random.pick(recent);
    const request = random.ulid();
    const on = (type: string, { conversation: conversation_id, message: message_id }: Recent, more = {}) => ({
      type,
      data: { conversation_id, message_id, ...more },
      request,
    });
    const drawn = random.below(10);
    if (drawn < 2) return on('message.edit', own, { content: `other words ${random.below(1_000)}` });
    if (drawn < 3) return on('message.delete', own);
    if (drawn < 6) return on('reaction.add', { conversation, message }, { emoji: random.pick(EMOJI) });
    if (drawn < 7) return on('reaction.remove', { conversation, message }, { emoji: random.pick(EMOJI) });
    const type = drawn < 9 ? 'receipt.read' : 'receipt.delivered';
    return { type, data: { conversation_id: conversation, up_to: message }, request };
  }

  private count(): void {
    this.acked += 1;
    const now = Date.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.lastAck);
    this.lastAck = now;
  }
}

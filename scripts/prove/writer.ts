/**
 * A writer: sends one message after the other and repeats each with the same id, on any node, until it is acknowledged or refused for
 * good. By REST or by WebSocket. Everything goes through its ledger.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ANSWER_WITHIN_MS, BackOff, call } from './client.ts';
import type { Person } from './client.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** What came of one try. `silent`: no answer, so nobody knows. */
export type Outcome =
  { kind: 'acked'; event: string; durability: string } | { kind: 'refused'; code: string } | { kind: 'silent' };

/** One way to send a command to one node at a time. */
export interface Door {
  send(base: string, person: Person, command: SendMessage): Promise<Outcome>;
  close(): void;
}

export interface SendMessage {
  readonly conversation: string;
  readonly message: string;
  readonly content: string;
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
}

/** The same command may help later; everything else is the server's last word. */
const WORTH_REPEATING = new Set(['unavailable', 'unknown_outcome', 'internal', 'rate_limited']);

export class Writer {
  acked = 0;
  refused = 0;
  repeats = 0;
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
    const command = {
      conversation: random.pick(conversations),
      message: random.ulid(),
      content: `${person.name} says ${n}`,
    };
    ledger.write({ line: 'sent', client: person.name, ...command });
    const backOff = new BackOff(random);
    let again = random.below((this.options.again ?? 0) + 1);
    for (;;) {
      const outcome = await door.send(random.pick(bases()), person, command);
      if (outcome.kind === 'acked') {
        const { event, durability } = outcome;
        ledger.write({ line: 'acked', client: person.name, message: command.message, event, durability });
        if (again > 0) {
          again -= 1;
          this.repeats += 1;
          continue;
        }
        this.count();
        return;
      }
      const code = outcome.kind === 'refused' ? outcome.code : 'no_answer';
      this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
      if (outcome.kind === 'refused' && !WORTH_REPEATING.has(code)) {
        ledger.write({ line: 'failed', client: person.name, message: command.message, code });
        this.refused += 1;
        return;
      }
      if (this.abandoned) return;
      this.repeats += 1;
      await backOff.wait();
    }
  }

  private count(): void {
    this.acked += 1;
    const now = Date.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.lastAck);
    this.lastAck = now;
  }
}

export class RestDoor implements Door {
  async send(base: string, person: Person, { conversation, message, content }: SendMessage): Promise<Outcome> {
    try {
      const path = `/conversations/${conversation}/messages`;
      const body = { id: message, content };
      const answer = await call<{ code?: string }>(base, 'POST', path, { token: person.token, body });
      if (answer.status !== 201) return { kind: 'refused', code: answer.body.code ?? `status ${answer.status}` };
      const event = answer.headers.get('chat-event-id') ?? '';
      return { kind: 'acked', event, durability: answer.headers.get('chat-durability') ?? '' };
    } catch {
      return { kind: 'silent' };
    }
  }

  close(): void {}
}

/** Keeps a socket to the node that it was last sent to. Events on it are not looked at. */
export class SocketDoor implements Door {
  private socket: { base: string; ws: WebSocket; open: Promise<boolean> } | undefined;
  private readonly waiting = new Map<string, (outcome: Outcome) => void>();
  private next = 0;

  async send(base: string, person: Person, { conversation, message, content }: SendMessage): Promise<Outcome> {
    if (this.socket?.base !== base || this.socket.ws.readyState > WebSocket.OPEN) this.connect(base, person);
    const { ws, open } = this.socket!;
    if (!(await open)) return { kind: 'silent' };
    this.next += 1;
    const id = `w${this.next}`;
    return new Promise((resolve) => {
      const late = setTimeout(() => settle({ kind: 'silent' }), ANSWER_WITHIN_MS);
      const settle = (outcome: Outcome) => {
        clearTimeout(late);
        this.waiting.delete(id);
        if (outcome.kind === 'silent') ws.terminate();
        resolve(outcome);
      };
      this.waiting.set(id, settle);
      const data = { conversation_id: conversation, id: message, content };
      ws.send(JSON.stringify({ type: 'message.send', id, data }), (error) => error && settle({ kind: 'silent' }));
    });
  }

  close(): void {
    this.socket?.ws.terminate();
  }

  private connect(base: string, person: Person): void {
    this.socket?.ws.terminate();
    const headers = { Authorization: `Bearer ${person.token}` };
    const ws = new WebSocket(`${base.replace('http', 'ws')}/api/v1/ws`, { headers, handshakeTimeout: 5_000 });
    const open = new Promise<boolean>((resolve) => {
      ws.on('open', () => resolve(true));
      ws.on('close', () => resolve(false));
    });
    ws.on('error', () => {});
    ws.on('message', (data) => this.receive(data as Buffer));
    ws.on('close', () => {
      if (this.socket?.ws === ws) for (const settle of this.waiting.values()) settle({ kind: 'silent' });
    });
    this.socket = { base, ws, open };
  }

  private receive(data: Buffer): void {
    // Events begin with their id; answers with their type.
    if (data.toString('latin1', 0, 8) !== '{"type":') return;
    const frame = JSON.parse(data.toString()) as {
      type: string;
      id?: string;
      data?: { event_id?: string; durability?: string };
      error?: { code: string };
    };
    const settle = this.waiting.get(frame.id ?? '');
    if (!settle) return;
    if (frame.type === 'ack')
      settle({ kind: 'acked', event: frame.data?.event_id ?? '', durability: frame.data?.durability ?? '' });
    else if (frame.type === 'error') settle({ kind: 'refused', code: frame.error?.code ?? '' });
  }
}

/**
 * A reader: one user's WebSocket that keeps a cursor for every stream, comes back with `?resume=1` after any trouble, on any gateway,
 * and writes what it saw into its ledger. It begins everything at the beginning, so its whole history is checked.
 */
import { WebSocket } from 'ws';
import { BackOff } from './client.ts';
import type { Person } from './client.ts';
import { digestOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

export interface ReaderOptions {
  readonly name: string;
  readonly person: Person;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly conversations: readonly string[];
  readonly bases: () => readonly string[];
  /** The own socket is cut this often, in ms, from the outside and without a close frame. */
  readonly cutEvery?: readonly [number, number];
}

const EVENT_HEAD = /^\{"id":"(\d+-(\d+))".{1,80}?"(?:conversation|user)_id":"([0-9A-Z]{26})"/;
/** Without a frame for this long on a socket that is being opened, it is given up. */
const READY_WITHIN_MS = 10_000;

export class Reader {
  readonly cursors = new Map<string, string>();
  connects = 0;
  resets = 0;
  /** Close codes that say "do not come back", and frames that are none. */
  readonly complaints: string[] = [];
  private readonly options: ReaderOptions;
  private readonly backOff: BackOff;
  private ws: WebSocket | undefined;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();

  constructor(options: ReaderOptions) {
    this.options = options;
    this.backOff = new BackOff(options.random);
    for (const conversation of [...options.conversations, options.person.id]) this.begin(conversation, '0-0');
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.ws?.terminate();
    await this.running;
  }

  /** Cuts the socket as a broken network does. */
  cut(): void {
    this.ws?.terminate();
  }

  /** True when it has every stream to these heads. */
  hasReached(heads: ReadonlyMap<string, string>): boolean {
    return this.lacks(heads) === undefined;
  }

  lacks(heads: ReadonlyMap<string, string>): string | undefined {
    for (const [stream, cursor] of this.cursors) {
      const head = heads.get(stream) ?? '0-0';
      if (head !== cursor) return `${this.name} stands at ${cursor} of ${stream}, whose end is ${head}`;
    }
    return undefined;
  }

  private begin(conversation: string, after: string): void {
    this.cursors.set(conversation, after);
    this.options.ledger.write({ line: 'began', reader: this.name, conversation, after });
  }

  private async run(): Promise<void> {
    const { random, cutEvery } = this.options;
    while (!this.stopping) {
      const ws = this.connect(random.pick(this.options.bases()));
      this.ws = ws;
      const cut = cutEvery && setTimeout(() => ws.terminate(), random.between(...cutEvery));
      await new Promise<void>((resolve) => ws.on('close', () => resolve()));
      clearTimeout(cut);
      if (!this.stopping) await this.backOff.wait();
    }
  }

  private connect(base: string): WebSocket {
    const { person } = this.options;
    const headers = { Authorization: `Bearer ${person.token}` };
    const ws = new WebSocket(`${base.replace('http', 'ws')}/api/v1/ws?resume=1`, { headers, handshakeTimeout: 5_000 });
    const late = setTimeout(() => ws.terminate(), READY_WITHIN_MS);
    ws.on('error', () => {});
    ws.on('message', (data) => {
      clearTimeout(late);
      this.receive(ws, data as Buffer);
    });
    ws.on('close', (code, reason) => {
      clearTimeout(late);
      if (code >= 4_500) this.complaints.push(`closed with ${code} ${reason.toString()}`);
    });
    return ws;
  }

  private receive(ws: WebSocket, bytes: Buffer): void {
    if (this.ws !== ws) return;
    const match = EVENT_HEAD.exec(bytes.toString('latin1', 0, 160));
    if (match) return this.see(match[3]!, match[1]!, Number(match[2]), bytes);
    const frame = JSON.parse(bytes.toString()) as { type: string; data: Record<string, unknown>; error?: unknown };
    if (frame.type === 'session.ready') this.resume(ws);
    else if (frame.type === 'session.resumed') {
      this.connects += 1;
      this.backOff.reset();
    } else if (frame.type === 'sync.reset') this.reset(frame.data);
    else if (frame.error !== undefined) this.complaints.push(bytes.toString().slice(0, 300));
  }

  private resume(ws: WebSocket): void {
    const { person } = this.options;
    const { [person.id]: user, ...cursors } = Object.fromEntries(this.cursors);
    ws.send(JSON.stringify({ type: 'session.resume', id: 'resume', data: { cursors, user } }));
  }

  private see(stream: string, event: string, seq: number, bytes: Buffer): void {
    if (!this.cursors.has(stream)) this.begin(stream, '0-0');
    this.cursors.set(stream, event);
    this.options.ledger.write({
      line: 'seen',
      reader: this.name,
      conversation: stream,
      event,
      seq,
      digest: digestOf(bytes),
    });
  }

  private reset(data: Record<string, unknown>): void {
    const conversation = String(data['conversation_id'] ?? data['user_id']);
    const last = String(data['last_event_id']);
    this.resets += 1;
    this.cursors.set(conversation, last);
    this.options.ledger.write({ line: 'reset', reader: this.name, conversation, last });
  }
}

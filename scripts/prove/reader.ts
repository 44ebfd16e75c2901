/**
 * A reader: one user's connection by the client library, which keeps a cursor for every stream and comes back after any trouble, on any
 * gateway. What came over its sockets goes into its ledger before the library has seen it, so that nothing which the library mends is
 * passed over. It begins everything at the beginning, so its whole history is checked.
 */
import { WebSocket } from 'ws';
import { Connection } from '../../src/client/connection.ts';
import type { SocketMaker } from '../../src/client/connection.ts';
import { BACK_OFF } from './client.ts';
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
const HANDSHAKE_WITHIN_MS = 5_000;

export class Reader {
  connects = 0;
  resets = 0;
  /** Close codes that say "do not come back", and frames that are none. */
  readonly complaints: string[] = [];
  private readonly options: ReaderOptions;
  private readonly connection: Connection;
  private readonly begun = new Set<string>();
  private ws: WebSocket | undefined;

  constructor(options: ReaderOptions) {
    this.options = options;
    const { person, random, bases } = options;
    for (const stream of [...options.conversations, person.id]) this.begin(stream);
    this.connection = new Connection({
      url: () => `${random.pick(bases()).replace('http', 'ws')}/api/v1/ws`,
      WebSocket: this.observed(),
      cursors: [...this.begun].map((stream) => [stream, '0-0']),
      backOff: BACK_OFF,
      token: () => Promise.resolve(person.token),
      heads: () => Promise.resolve([]),
      onReady: () => {},
      onEvent: () => {},
      onWatched: () => {},
      onSignal: () => {},
      onReset: () => {},
      onState: ({ name }) => (this.connects += name === 'live' ? 1 : 0),
    });
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.connection.start();
  }

  async stop(): Promise<void> {
    this.connection.stop();
    this.ws?.terminate();
  }

  /** True when it has every stream to these heads. */
  hasReached(heads: ReadonlyMap<string, string>): boolean {
    return this.lacks(heads) === undefined;
  }

  lacks(heads: ReadonlyMap<string, string>): string | undefined {
    const cursors = this.connection.snapshot();
    for (const stream of this.begun) {
      const [head, cursor] = [heads.get(stream) ?? '0-0', cursors.get(stream)];
      if (head !== cursor) return `${this.name} stands at ${cursor} of ${stream}, whose end is ${head}`;
    }
    return undefined;
  }

  private begin(conversation: string): void {
    this.begun.add(conversation);
    this.options.ledger.write({ line: 'began', reader: this.name, conversation, after: '0-0' });
  }

  /** Sockets that show what they get before anybody else has it, and are cut now and then. */
  private observed(): SocketMaker {
    const attach = (ws: WebSocket) => this.attach(ws);
    return class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { handshakeTimeout: HANDSHAKE_WITHIN_MS });
        attach(this);
      }
    };
  }

  private attach(ws: WebSocket): void {
    const { random, cutEvery } = this.options;
    this.ws = ws;
    const cut = cutEvery && setTimeout(() => ws.terminate(), random.between(...cutEvery));
    // One that the library has let go of may still bring what was on its way.
    ws.on('message', (data) => this.ws === ws && ws.onmessage !== null && this.receive(data as Buffer));
    ws.on('close', (code, reason) => {
      clearTimeout(cut);
      if (code >= 4_500) this.complaints.push(`closed with ${code} ${reason.toString()}`);
    });
  }

  private receive(bytes: Buffer): void {
    const match = EVENT_HEAD.exec(bytes.toString('latin1', 0, 160));
    if (match) return this.see(match[3]!, match[1]!, Number(match[2]), bytes);
    const frame = JSON.parse(bytes.toString()) as { type: string; data: Record<string, unknown>; error?: unknown };
    if (frame.type === 'sync.reset') this.reset(frame.data);
    else if (frame.error !== undefined) this.complaints.push(bytes.toString().slice(0, 300));
  }

  private see(stream: string, event: string, seq: number, bytes: Buffer): void {
    if (!this.begun.has(stream)) this.begin(stream);
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
    this.options.ledger.write({ line: 'reset', reader: this.name, conversation, last });
  }
}

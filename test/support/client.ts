/** A client as the outside writes one: REST by fetch, frames by `ws`. Waits for frames, never for time. */
import { WebSocket } from 'ws';
import { checkAck, checkAnswer, checkFrame } from './answers.ts';
import { given, sent } from './canary.ts';
import { Waits } from './waits.ts';

export interface Reply<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export type Json = Record<string, unknown>;

export interface Frame {
  type: string;
  id?: string;
  seq?: number;
  conversation_id?: string;
  user_id?: string;
  data: Json;
  error?: { code: string; detail: string; retry_after?: number };
}

/** Text and bytes go out as they are. */
const isReady = (body: unknown): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array;

/** REST calls as one user, or as nobody without a token. */
export class Rest {
  readonly base: string;
  readonly token: string | undefined;

  constructor(base: string, token?: string) {
    this.base = base;
    this.token = token;
  }

  async call<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<T>> {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isReady(body) ? body : JSON.stringify(body) }),
    });
    if (body !== undefined && !(body instanceof Uint8Array))
      sent(typeof body === 'string' ? body : JSON.stringify(body));
    const text = await response.text();
    given(text);
    await checkAnswer(this.base, `${method} ${path}`, response.status, text);
    return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as T };
  }

  get<T = Json>(path: string): Promise<Reply<T>> {
    return this.call<T>('GET', path);
  }

  post<T = Json>(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.call<T>('POST', path, body, headers);
  }
}

const DEADLINE_MS = 5_000;

/** One WebSocket: keeps every frame in order and waits for those that a test names. */
export class Socket {
  readonly base: string;
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly waits = new Waits();
  private nextId = 0;

  private constructor(base: string, ws: WebSocket) {
    this.base = base;
    this.ws = ws;
    ws.on('message', (data) => {
      const text = (data as Buffer).toString();
      this.texts.push(text);
      const frame = JSON.parse(text) as Frame;
      checkFrame(frame);
      this.frames.push(frame);
      this.waits.look();
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) =>
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  /** Opens and waits for `session.ready`, unless told to wait for less. */
  static async open(base: string, token: string, query = ''): Promise<Socket> {
    const socket = Socket.connect(base, token, query);
    await socket.frame((f) => f.type === 'session.ready');
    return socket;
  }

  static connect(base: string, token: string, query = '', path = '/api/v1/ws'): Socket {
    const headers = { Authorization: `Bearer ${token}` };
    return new Socket(base, new WebSocket(`${base.replace('http', 'ws')}${path}${query}`, { headers }));
  }

  /** The first frame that fits, also one that came already. */
  async frame(fits: (frame: Frame) => boolean, what = 'the frame'): Promise<Frame> {
    await this.until(() => this.frames.some(fits), what);
    return this.frames.find(fits)!;
  }

  /** Resolves when the condition on the frames holds. */
  until(holds: () => boolean, what: string): Promise<void> {
    const late = () => `${what} did not come; frames: ${this.texts.slice(-5).join('\n').slice(0, 2_000)}`;
    return this.waits.until(holds, DEADLINE_MS, late);
  }

  /** Sends a command and gives its ack's data; throws on an error frame, with the code as message. */
  async command(type: string, data: Json = {}, more: Json = {}): Promise<Json> {
    const answer = await this.ask(type, data, more);
    if (answer.error) throw new Error(answer.error.code);
    return answer.data;
  }

  async ask(type: string, data: Json = {}, more: Json = {}): Promise<Frame> {
    const id = `t${(this.nextId += 1)}`;
    const text = JSON.stringify({ type, id, data, ...more });
    sent(text);
    this.ws.send(text);
    const answer = await this.frame(
      (f) => f.id === id && (f.type === 'ack' || f.type === 'error' || f.type === 'pong'),
      `the answer to ${type}`,
    );
    if (answer.type === 'ack') await checkAck(this.base, type, answer.data);
    return answer;
  }

  /** Events of one conversation, in the order they came. */
  events(conversationId: string): Frame[] {
    return this.frames.filter((f) => f.conversation_id === conversationId && f.seq !== undefined);
  }

  seqs(conversationId: string): number[] {
    return this.events(conversationId).map((event) => event.seq ?? 0);
  }

  /** Resolves when the event at this seq of the conversation came. */
  reached(conversationId: string, seq: number): Promise<void> {
    return this.until(() => this.seqs(conversationId).includes(seq), `event ${seq}`);
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}

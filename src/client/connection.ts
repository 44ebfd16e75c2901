/**
 * The one socket of a client, and its cursors.
 *
 *   waiting → opening → resuming → live → waiting …        stopped: by us, or because the server said so (4500–4999)
 *
 * waiting: a back-off with full jitter runs. opening: a token, a handshake, `session.ready`. resuming: the cursors were sent, missed events
 * come in order. live: commands go out. Every event of a stream is handed on once, in order: what is known already is dropped, what is
 * missing is asked for. Refuses to know what commands and events mean.
 */
import { CommandQueue } from './commands.ts';
import { Cursors } from './cursors.ts';
import { commandFrame, incoming, protocolsOf } from './frames.ts';
import type { AnyEvent, AnySignal, Incoming, Ready, Reset } from './frames.ts';
import { inTime } from './in-time.ts';
import { Refusal } from './refusal.ts';

export type State =
  | { readonly name: 'opening' | 'resuming' | 'live' }
  /** `until`: unix ms of the next try. */
  | { readonly name: 'waiting'; readonly until: number }
  /** `code`: with which the server said "do not come back"; absent where it was our own wish. */
  | { readonly name: 'stopped'; readonly code?: number };

/** What a WebSocket must be: a browser's, Node's own, or that of `ws`. */
export interface SocketLike {
  readonly readyState: number;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(text: string): void;
  close(code?: number): void;
  /** Ends it without waiting for the other side. */
  terminate?(): void;
}
export type SocketMaker = new (url: string, protocols: string[]) => SocketLike;

export interface ConnectionOptions {
  /** `ws://…/api/v1/ws` */
  readonly url: () => string;
  readonly WebSocket: SocketMaker;
  readonly deviceId?: string | undefined;
  readonly cursors?: Iterable<readonly [string, string]> | undefined;
  /** Milliseconds: before the first try again at most, and before any. */
  readonly backOff?: { readonly firstMs: number; readonly mostMs: number } | undefined;
  /** A token to come in by. `doubted`: the last one did not open a socket. `expired`: the server said so. */
  token(standing: 'fresh' | 'doubted' | 'expired'): Promise<string>;
  /** The last events of conversations that `session.ready`, which names a hundred, leaves out. */
  heads(): Promise<Iterable<readonly [string, string]>>;
  onReady(ready: Ready): void;
  onEvent(event: AnyEvent): void;
  /** Of another user, who is watched. */
  onWatched(event: AnyEvent): void;
  onSignal(signal: AnySignal): void;
  /** Of this stream events are lost: what is known of it must be read anew. */
  onReset(reset: Partial<Reset>): void;
  onState(state: State): void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
const OPEN_WITHIN_MS = 15_000;
const HEADS_WITHIN_MS = 3_000;
const PONG_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 20_000;
/** Who was live for so long begins anew with its delays. */
const STEADY_AFTER_MS = 5_000;
const IN_READY = 100;
const MAX_HELD = 1_000;
const OPEN = 1;
const TOKEN_EXPIRED = 4401;
const FLOODING = 4429;
export const SESSION_ENDED = 4501;

interface Gap {
  /** What comes after this event was asked for; `had`: and the answer is through. */
  readonly after: string;
  state: 'asked' | 'had';
  /** What came meanwhile, in case that it does not come again. */
  readonly held: AnyEvent[];
}

export class Connection {
  private readonly options: ConnectionOptions;
  private readonly commands = new CommandQueue();
  private readonly cursors: Cursors;
  private current: State = { name: 'stopped' };
  private socket: SocketLike | undefined;
  private me = '';
  private tries = 0;
  private openings = 0;
  private liveSince = 0;
  private standing: 'fresh' | 'doubted' | 'expired' = 'fresh';
  /** Streams in which something is missing. */
  private readonly gaps = new Map<string, Gap>();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    this.options = options;
    this.cursors = new Cursors(options.cursors);
  }

  get state(): State {
    return this.current;
  }

  /** By the ids of conversations and of the user: what to resume from in another life. */
  snapshot(): Map<string, string> {
    return this.cursors.snapshot();
  }

  start(): void {
    if (this.current.name === 'stopped') void this.open();
  }

  stop(): void {
    this.halt({ name: 'stopped' });
  }

  /** Ends a back-off that is running; of a connection that stands, asks whether it still does. */
  wake(): void {
    if (this.current.name === 'waiting') void this.open();
    else if (this.current.name === 'live') this.ping();
  }

  /**
   * Sends a command and answers its ack's data. Throws `Refusal`.
   * @param requestId a ULID that makes it repeatable: it is sent again until it is answered; without one it goes down with the socket
   */
  command(type: string, data: object, requestId: string | undefined): Promise<object> {
    if (this.current.name === 'stopped') return Promise.reject(new Refusal({ code: 'stopped' }));
    return this.commands.run(type, data, { requestId, withinMs: ANSWER_WITHIN_MS });
  }

  private async open(): Promise<void> {
    clearTimeout(this.retry);
    const opening = (this.openings += 1);
    this.enter({ name: 'opening' });
    let token: string;
    try {
      token = await this.options.token(this.standing);
    } catch (error) {
      if (opening !== this.openings || this.current.name !== 'opening') return;
      const { code, retryAfter } = error as Refusal;
      return code === 'unauthenticated' ? this.halt({ name: 'stopped', code: SESSION_ENDED }) : this.lost(retryAfter);
    }
    // Stopped in the meantime, or even started again.
    if (opening !== this.openings || this.current.name !== 'opening') return;
    const query = new URLSearchParams({ resume: '1' });
    if (this.options.deviceId !== undefined) query.set('device_id', this.options.deviceId);
    const socket = new this.options.WebSocket(`${this.options.url()}?${query}`, protocolsOf(token));
    this.socket = socket;
    this.standing = 'doubted';
    this.expectWithin(OPEN_WITHIN_MS);
    socket.onerror = () => {};
    socket.onmessage = ({ data }: { data: unknown }) => socket === this.socket && this.heard(String(data));
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      socket === this.socket && this.closed(code, String(reason));
  }

  /** What is no frame did not come from a server that we could go on with. */
  private heard(text: string): void {
    let frame: Incoming;
    try {
      frame = incoming(text);
    } catch {
      return this.lost();
    }
    this.receive(frame);
  }

  private receive(frame: Incoming): void {
    this.expectWithin(undefined);
    if (frame.kind === 'event') this.event(frame.event, frame.stream);
    else if (frame.kind === 'signal') this.options.onSignal(frame.signal);
    else if (frame.kind === 'answer') this.commands.answered(frame.id, frame.data);
    else if (frame.kind === 'refusal') this.refused(frame.id, new Refusal(frame.error));
    else if (frame.kind === 'ready') void this.ready(frame.data);
    else if (frame.kind === 'resumed') this.resumed();
    else if (frame.kind === 'reset') this.reset(frame.data);
  }

  private async ready(ready: Ready): Promise<void> {
    const { socket } = this;
    this.standing = 'fresh';
    this.me = ready.user.id;
    this.enter({ name: 'resuming' });
    const isFirst = this.cursors.isEmpty;
    // Of what is not named, a server that knows the device sends what it missed.
    const isKnown = this.options.deviceId !== undefined;
    const unknown = isKnown ? [] : ready.conversations.filter(({ id }) => !this.cursors.has(id));
    // Not delivered before they are asked for, so what is read now is where they begin.
    if (isFirst && !isKnown && ready.conversations.length >= IN_READY) {
      for (const [id, last] of [...(await this.headsInTime())].toReversed()) this.cursors.set(id, last);
      if (socket !== this.socket) return;
    }
    for (const { id, last_event_id } of unknown.toReversed()) this.cursors.set(id, last_event_id);
    if (!isKnown && !this.cursors.has(this.me)) this.cursors.set(this.me, ready.user_event_id);
    const { data, dropped } = this.cursors.resume(this.me);
    this.heartbeat = setInterval(() => this.ping(), ready.heartbeat_interval * 1_000);
    this.options.onReady(ready);
    this.send(commandFrame('session.resume', { id: 'resume', data }));
    this.expectWithin(OPEN_WITHIN_MS);
    const unseen = isFirst ? [] : unknown.map(({ id }) => id);
    for (const conversation_id of [...unseen, ...dropped]) this.options.onReset({ conversation_id });
  }

  /** Without them the client only knows less where it stands, and reads anew what it does not know. */
  private headsInTime(): Promise<Iterable<readonly [string, string]>> {
    return inTime(
      this.options.heads().catch(() => []),
      HEADS_WITHIN_MS,
      [],
    );
  }

  private resumed(): void {
    this.liveSince = Date.now();
    this.commands.open((frame) => {
      this.send(frame);
      if (this.deadline === undefined) this.expectWithin(ANSWER_WITHIN_MS);
    });
    this.enter({ name: 'live' });
  }

  private event(event: AnyEvent, stream: string): void {
    if ('user_id' in event && stream !== this.me) return this.options.onWatched(event);
    const place = this.cursors.get(stream) ?? '';
    const taken = this.cursors.take(stream, event);
    if (taken === 'old') return;
    if (taken === 'gap') return this.missing(stream, place, event);
    if (this.gaps.get(stream)?.state === 'had') this.gaps.delete(stream);
    this.handOn(event, stream);
  }

  private handOn(event: AnyEvent, stream: string): void {
    // What comes after a return does not follow on what came before the leaving.
    const isLeaving = event.type === 'participant.removed' && event.data.user_id === this.me;
    if (isLeaving || event.type === 'conversation.deleted') this.cursors.forget(stream);
    this.options.onEvent(event);
  }

  /** Asks for what came after this place, once; the event that showed the gap comes again with it. */
  private missing(stream: string, after: string, event: AnyEvent): void {
    const gap = this.gaps.get(stream);
    if (gap?.state === 'asked') {
      gap.held.push(event);
      if (gap.held.length > MAX_HELD) this.lost(0);
      return;
    }
    if (gap?.after === after) {
      // It was asked for, and is not there: the log itself goes on here.
      this.gaps.delete(stream);
      this.cursors.set(stream, event.id);
      this.options.onReset({ ...ownerOf(event), last_event_id: event.id });
      return this.handOn(event, stream);
    }
    this.gaps.set(stream, { after, state: 'asked', held: [event] });
    // The own stream, and any while it is resumed, is asked for by resuming.
    if (stream === this.me || this.current.name !== 'live') return this.lost(0);
    this.commands
      .run(
        'conversation.sync',
        { conversation_id: stream, after },
        { requestId: undefined, withinMs: ANSWER_WITHIN_MS },
      )
      .then(
        () => this.had(stream),
        (error: Refusal) => {
          if (error.code === 'lost' || error.code === 'stopped') return;
          if (error.code === 'not_found') this.had(stream);
          else this.lost(error.retryAfter);
        },
      );
  }

  private had(stream: string): void {
    const gap = this.gaps.get(stream);
    if (gap?.state !== 'asked') return;
    gap.state = 'had';
    for (const event of gap.held) this.event(event, stream);
  }

  private reset(reset: Reset): void {
    const stream = reset.conversation_id ?? reset.user_id ?? this.me;
    this.cursors.set(stream, reset.last_event_id);
    this.gaps.delete(stream);
    this.options.onReset(reset);
  }

  private refused(id: string, error: Refusal): void {
    if (id !== 'resume') return this.commands.refused(id, error);
    // It makes nothing of our cursors: begin without.
    for (const stream of this.cursors.snapshot().keys()) this.cursors.forget(stream);
    this.options.onReset({});
    this.lost(error.retryAfter);
  }

  private send(frame: string): void {
    if (this.socket?.readyState === OPEN) this.socket.send(frame);
  }

  /** A browser answers the server's pings unseen, so a link that went dead without a word is only found by one of ours. */
  private ping(): void {
    this.expectWithin(PONG_WITHIN_MS);
    this.send(commandFrame('ping'));
  }

  /** Gives the socket up unless something comes within this time. */
  private expectWithin(ms: number | undefined): void {
    clearTimeout(this.deadline);
    this.deadline = ms === undefined ? undefined : setTimeout(() => this.lost(), ms);
  }

  private closed(code: number, reason: string): void {
    if (code >= 4500 && code <= 4999) return this.halt({ name: 'stopped', code });
    const wasLive = this.current.name === 'live';
    if (code === TOKEN_EXPIRED) this.standing = 'expired';
    this.lost(code === FLOODING ? retryAfter(reason) : undefined);
    // Only the token was old, and another one is a request away.
    if (code === TOKEN_EXPIRED && wasLive) this.wake();
  }

  /** @param atLeast seconds that the server asked for */
  private lost(atLeast = 0): void {
    if (this.current.name === 'stopped') return;
    if (this.current.name === 'live' && Date.now() - this.liveSince > STEADY_AFTER_MS) this.tries = 0;
    this.letGo('for now');
    const { firstMs, mostMs } = this.options.backOff ?? { firstMs: FIRST_DELAY_MS, mostMs: MAX_DELAY_MS };
    const delay = atLeast * 1_000 + Math.random() * Math.min(mostMs, firstMs * 2 ** this.tries);
    this.tries += 1;
    this.retry = setTimeout(() => void this.open(), delay);
    this.enter({ name: 'waiting', until: Date.now() + delay });
  }

  private halt(state: State): void {
    this.letGo('for good');
    this.commands.end(new Refusal({ code: 'stopped' }));
    this.enter(state);
  }

  private letGo(isOver: 'for good' | 'for now'): void {
    clearInterval(this.heartbeat);
    for (const timer of [this.retry, this.deadline]) clearTimeout(timer);
    const { socket } = this;
    this.socket = undefined;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      if (isOver === 'for now' && socket.terminate) socket.terminate();
      else socket.close();
    }
    this.commands.close();
    // Resuming asks for all that is missing.
    for (const [stream, { after }] of this.gaps) this.gaps.set(stream, { after, state: 'had', held: [] });
  }

  private enter(state: State): void {
    this.current = state;
    this.options.onState(state);
  }
}

const ownerOf = (event: AnyEvent): Partial<Reset> =>
  'conversation_id' in event ? { conversation_id: event.conversation_id! } : { user_id: event.user_id! };

function retryAfter(reason: string): number {
  try {
    return Number((JSON.parse(reason) as { retry_after?: number }).retry_after) || 1;
  } catch {
    return 1;
  }
}

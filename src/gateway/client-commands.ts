/**
 * What a client asks for over its socket: frames as they come, how many of them are under way at once, and their answers. Those that concern
 * the delivery of events its session does itself; all others are a feature's.
 */
import type { WebSocket } from 'ws';
import { checkCommandFrame, checkPlain } from '../envelope.ts';
import type { CommandFrame } from '../envelope.ts';
import { asChatError, closeCodes, fail } from '../errors.ts';
import { checkNumbers } from '../numbers.ts';
import { Inbound } from './inbound.ts';
import type { Incoming } from './inbound.ts';
import type { Outbox } from './outbox.ts';

export interface ClientCommandsParts {
  readonly outbox: Outbox;
  readonly ws: Pick<WebSocket, 'pause' | 'resume'>;
  /** Set on a socket that carries one conversation only. */
  readonly only: string | undefined;
  readonly maxFramesPerSecond: number;
  /** Runs a command of a feature; answers the ack's data. */
  run(frame: CommandFrame): Promise<object>;
  now(): number;
  onError(error: unknown): void;
}

/** The session. */
export interface Conversing {
  readonly isClosing: boolean;
  resume(data: object): Promise<void>;
  sync(data: object): Promise<void>;
  close(code: number, reason: string): void;
}

const MAX_IN_FLIGHT = 64;

export class ClientCommands {
  private readonly parts: ClientCommandsParts;
  private readonly session: Conversing;
  private readonly inbound: Inbound;
  private inFlight = 0;

  constructor(parts: ClientCommandsParts, session: Conversing) {
    this.parts = parts;
    this.session = session;
    this.inbound = new Inbound(parts.maxFramesPerSecond);
  }

  /** As many are under way as may be: the socket is not being read. */
  get areMany(): boolean {
    return this.inFlight >= MAX_IN_FLIGHT;
  }

  receive(data: Buffer, isBinary: boolean): void {
    const { parts, session, inbound } = this;
    if (inbound.isFlooding(parts.now())) return session.close(closeCodes.flooding, JSON.stringify({ retry_after: 1 }));
    const incoming = inbound.read(data, isBinary);
    if (!incoming) {
      this.refuse(undefined, fail('bad_frame'));
      if (inbound.isHopeless) session.close(closeCodes.not_a_frame, 'these are not frames');
      return;
    }
    this.inFlight += 1;
    if (this.inFlight === MAX_IN_FLIGHT) parts.ws.pause();
    this.obey(incoming)
      .catch((error: unknown) => this.refuse(incoming.id, error))
      .finally(() => {
        this.inFlight -= 1;
        if (this.inFlight === MAX_IN_FLIGHT - 1) parts.ws.resume();
      });
  }

  private async obey({ parsed, text, id }: Incoming): Promise<void> {
    checkNumbers(text);
    checkPlain(parsed);
    const frame = checkCommandFrame(parsed);
    const { type, data = {} } = frame;
    this.checkReach(data);
    if (type === 'ping') return this.send({ type: 'pong', id, data: {} });
    this.send({ type: 'ack', id, data: await this.done(frame, data) });
  }

  private async done(frame: CommandFrame, data: object): Promise<object> {
    if (frame.type === 'session.resume') await this.session.resume(data);
    else if (frame.type === 'conversation.sync') await this.session.sync(data);
    else return this.parts.run(frame);
    return {};
  }

  /** A socket of one conversation takes no commands for another. */
  private checkReach(data: Record<string, unknown>): void {
    const { only } = this.parts;
    const conversationId = data['conversation_id'];
    if (only !== undefined && conversationId !== undefined && conversationId !== only)
      throw fail('forbidden', 'This socket is of one conversation and takes commands for no other');
  }

  private refuse(id: string | undefined, error: unknown): void {
    const known = asChatError(error);
    if (known.code === 'internal') this.parts.onError(error);
    const { code, message: detail, retryAfter: retry_after } = known;
    this.send({ type: 'error', id, error: { code, detail, retry_after } });
  }

  /** A field that is undefined is left out of the frame. After a close frame nothing may follow. */
  private send(message: object): void {
    if (!this.session.isClosing) this.parts.outbox.send(message);
  }
}

/** The two ways in which a command reaches a node, one try at a time: by REST and by WebSocket. */
import { WebSocket } from 'ws';
import { commandFrame, incoming } from '../../src/client/frames.ts';
import type { Incoming } from '../../src/client/frames.ts';
import { ANSWER_WITHIN_MS, call } from './client.ts';
import type { Person } from './client.ts';

/** What came of one try. `silent`: no answer, so nobody knows. */
export type Outcome =
  { kind: 'acked'; event: string; durability: string } | { kind: 'refused'; code: string } | { kind: 'silent' };

export interface Command {
  readonly type: string;
  readonly data: { readonly conversation_id: string } & Readonly<Record<string, string>>;
  /** Makes it repeatable; a message is that by its own id. */
  readonly request?: string;
}

/** One way to send a command to one node at a time. */
export interface Door {
  send(base: string, person: Person, command: Command): Promise<Outcome>;
  close(): void;
}

/** Method and path of each command that writers use; what the path does not name is the body. */
const ROUTES: Readonly<Record<string, readonly [method: string, path: string]>> = {
  'message.send': ['POST', 'messages'],
  'message.edit': ['PATCH', 'messages/{message_id}'],
  'message.delete': ['DELETE', 'messages/{message_id}'],
  'reaction.add': ['PUT', 'messages/{message_id}/reactions/{emoji}'],
  'reaction.remove': ['DELETE', 'messages/{message_id}/reactions/{emoji}'],
  'receipt.read': ['POST', 'read'],
  'receipt.delivered': ['POST', 'delivered'],
};

export class RestDoor implements Door {
  async send(base: string, person: Person, { type, data, request }: Command): Promise<Outcome> {
    const [method, route] = ROUTES[type]!;
    const { conversation_id, ...rest } = data;
    const path = route.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(rest[name]!));
    const body = Object.fromEntries(Object.entries(rest).filter(([name]) => !route.includes(`{${name}}`)));
    try {
      const answer = await call<{ code?: string }>(base, method, `/conversations/${conversation_id}/${path}`, {
        token: person.token,
        ...(Object.keys(body).length === 0 ? {} : { body }),
        ...(request === undefined ? {} : { headers: { 'Idempotency-Key': request } }),
      });
      if (answer.status >= 300) return { kind: 'refused', code: answer.body.code ?? `status ${answer.status}` };
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

  async send(base: string, person: Person, { type, data, request }: Command): Promise<Outcome> {
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
      ws.send(commandFrame(type, { id, data, request_id: request }), (error) => error && settle({ kind: 'silent' }));
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
    let frame: Incoming;
    try {
      frame = incoming(data.toString());
    } catch {
      // A story may have put into a log what is no JSON: it is not for who asks.
      return;
    }
    if (frame.kind === 'answer') {
      const { event_id: event = '', durability = '' } = frame.data as { event_id?: string; durability?: string };
      this.waiting.get(frame.id)?.({ kind: 'acked', event, durability });
    } else if (frame.kind === 'refusal') this.waiting.get(frame.id)?.({ kind: 'refused', code: frame.error.code });
  }
}

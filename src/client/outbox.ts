/**
 * Messages that were written here and that the server has not confirmed. Each keeps the id it was made with, so that sending it again,
 * after a lost connection, a reload or by hand, never makes two. They go out one after the other in each conversation. One that the server
 * refuses stays, with the reason, until it is tried again or thrown away, and holds up no other. Bounded: a full outbox takes no more.
 */
import { inTime } from './in-time.ts';
import type { Commands, Message } from './protocol.d.ts';
import { isWorthRepeating, Refusal } from './refusal.ts';
import type { Problem } from './refusal.ts';

export type MessageFields = Omit<Commands['message.send']['data'], 'conversation_id' | 'id'>;

export interface Unsent {
  /** Of the message, for ever. In the order of these they were written. */
  readonly id: string;
  readonly conversation_id: string;
  readonly fields: MessageFields;
  /** RFC 3339, by this clock. */
  readonly written_at: string;
  /** Why the server did not take it; absent while it is on its way. */
  readonly refused?: Problem;
}

/** Where they outlive the program. What is called in order is done in order. */
export interface OutboxStore {
  load(): Promise<readonly Unsent[]>;
  put(unsent: Unsent): Promise<void>;
  delete(id: string): Promise<void>;
}

export interface OutboxOptions {
  /** Absent: they are kept in memory. */
  readonly store?: OutboxStore | undefined;
  readonly newId: () => string;
  readonly send: (data: Commands['message.send']['data']) => Promise<Message>;
  readonly isLive: () => boolean;
  /** With the message once it is sent. */
  readonly onChange: (conversationId: string, sent?: Message) => void;
  /** The store did not take one, which is sent all the same. */
  readonly onTrouble: (error: unknown) => void;
}

export interface Sending {
  readonly id: string;
  /** Rejects where the server refuses it; it need not be waited for. */
  readonly sent: Promise<Message>;
}

const MAX_UNSENT = 1_000;
/** What the server takes as one frame, with room for what stands around the message. */
const MAX_BYTES = 62_000;
const LONGEST_WAIT_S = 60;
const STORED_WITHIN_MS = 3_000;

export class Outbox {
  private readonly options: OutboxOptions;
  private readonly unsent = new Map<string, Unsent>();
  /** Conversations with a message on its way. */
  private readonly busy = new Set<string>();
  private readonly waiting = new Map<
    string,
    { resolve: (message: Message) => void; reject: (error: Refusal) => void }
  >();
  private storing: Promise<void> = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Takes up what an earlier life has left: it was written before whatever is here already. */
  async load(): Promise<void> {
    const kept = (await this.options.store?.load()) ?? [];
    const written = [...this.unsent.values()];
    this.unsent.clear();
    for (const one of [...kept, ...written]) this.unsent.set(one.id, one);
    for (const id of new Set(kept.map((one) => one.conversation_id))) this.options.onChange(id);
    this.flush();
  }

  of(conversationId?: string): Unsent[] {
    const all = [...this.unsent.values()];
    return conversationId === undefined ? all : all.filter((one) => one.conversation_id === conversationId);
  }

  write(conversation_id: string, fields: MessageFields): Sending {
    const id = this.options.newId();
    const sent = new Promise<Message>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    sent.catch(() => {});
    if (this.unsent.size >= MAX_UNSENT) {
      this.fail(id, new Refusal({ code: 'full', detail: 'Too many messages wait to be sent' }));
      return { id, sent };
    }
    this.put({ id, conversation_id, fields, written_at: new Date().toISOString() });
    return { id, sent };
  }

  /** Once more, under the same id. */
  retry(id: string): void {
    const found = this.unsent.get(id);
    if (!found) return;
    const { refused: _, ...unsent } = found;
    this.put(unsent);
  }

  /** No longer wanted. One that is on its way may arrive all the same. */
  discard(id: string): void {
    this.take(id);
    this.fail(id, new Refusal({ code: 'discarded' }));
  }

  /** The connection is live: what waited goes out. */
  flush(): void {
    for (const id of new Set([...this.unsent.values()].map((one) => one.conversation_id))) void this.pump(id);
  }

  private async pump(conversationId: string): Promise<void> {
    if (this.busy.has(conversationId)) return;
    this.busy.add(conversationId);
    for (let next = this.next(conversationId); next && this.options.isLive(); next = this.next(conversationId)) {
      // A store that stands still does not keep anybody from being heard.
      await inTime(this.storing, STORED_WITHIN_MS, undefined);
      const { id, conversation_id, fields } = next;
      try {
        this.settle(await this.options.send({ ...fields, conversation_id, id }));
      } catch (error) {
        await this.refused(id, error as Refusal);
      }
    }
    this.busy.delete(conversationId);
    // The connection may have come back between the loss and here.
    if (this.options.isLive() && this.next(conversationId)) void this.pump(conversationId);
  }

  private settle(message: Message): void {
    this.take(message.id, message);
    this.waiting.get(message.id)?.resolve(message);
    this.waiting.delete(message.id);
  }

  private next(conversationId: string): Unsent | undefined {
    return this.of(conversationId).find(({ refused }) => !refused);
  }

  /** What was not the last word is tried again, when the server says or the connection is back. */
  private async refused(id: string, error: Refusal): Promise<void> {
    const isForNow = error.code === 'rate_limited' || error.code === 'full';
    if (isForNow) {
      const seconds = Math.min(LONGEST_WAIT_S, error.retryAfter ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000 + Math.random() * 300));
    }
    const isFinal = !isForNow && error.code !== 'stopped' && !isWorthRepeating(error);
    const unsent = this.unsent.get(id);
    if (!isFinal || !unsent) return;
    const { code, message: detail, errors } = error;
    this.put({ ...unsent, refused: { code, detail, errors } });
    this.fail(id, error);
  }

  private put(unsent: Unsent): void {
    const isTooLong = new TextEncoder().encode(JSON.stringify(unsent.fields)).length > MAX_BYTES;
    const one = isTooLong
      ? { ...unsent, refused: { code: 'payload_too_large', detail: 'The message is too long' } }
      : unsent;
    this.unsent.set(one.id, one);
    this.store((store) => store.put(one));
    this.options.onChange(one.conversation_id);
    if (isTooLong) this.fail(one.id, new Refusal(one.refused!));
    else void this.pump(one.conversation_id);
  }

  private take(id: string, sent?: Message): void {
    const unsent = this.unsent.get(id);
    if (!this.unsent.delete(id)) return;
    this.store((store) => store.delete(id));
    this.options.onChange(unsent!.conversation_id, sent);
  }

  private fail(id: string, error: Refusal): void {
    this.waiting.get(id)?.reject(error);
    this.waiting.delete(id);
  }

  private store(work: (store: OutboxStore) => Promise<void>): void {
    const { store } = this.options;
    if (store) this.storing = this.storing.then(() => work(store)).catch(this.options.onTrouble);
  }
}

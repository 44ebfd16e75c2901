/**
 * Who is there and who is typing, as far as this client is told: of whom it watches it asks, of typing it simply hears. Owns telling the
 * others that this user is typing, no more often than they need to hear it.
 */
import type { AnyEvent, AnySignal } from './frames.ts';
import type { Commands, Events } from './protocol.d.ts';

export type Status = Events['presence.changed']['data']['status'];
type ChosenStatus = Commands['presence.set']['data'];
type Tell = <C extends 'presence.watch' | 'presence.set' | 'typing.start' | 'typing.stop'>(
  type: C,
  data: Commands[C]['data'],
) => Promise<Commands[C]['ack']>;

const TYPING_MS = 10_000;
/** It ends by itself after ten seconds, so this often is often enough. */
const AGAIN_MS = 3_000;
const MAX_WATCHED = 500;

export class Presence {
  private readonly tell: Tell;
  private readonly onChange: () => void;
  private readonly statuses = new Map<string, Status>();
  /** Conversation → who types there, each with what ends it. */
  private readonly typing = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();
  private wanted: readonly string[] = [];
  private told: { readonly id: string; readonly at: number } | undefined;

  constructor(tell: Tell, onChange: () => void) {
    this.tell = tell;
    this.onChange = onChange;
  }

  /** 'offline' of whom it does not know. */
  statusOf(userId: string): Status {
    return this.statuses.get(userId) ?? 'offline';
  }

  typingIn(conversationId: string): string[] {
    return [...(this.typing.get(conversationId)?.keys() ?? [])];
  }

  /** From now on the client hears of these users, at most 500, and of no others. Holds over reconnects. */
  watch(userIds: Iterable<string>): void {
    const wanted = [...new Set(userIds)].slice(0, MAX_WATCHED).toSorted();
    if (wanted.join() === this.wanted.join()) return;
    this.wanted = wanted;
    this.connected();
  }

  /** How others see this user. Told once, and again by whoever wants it so. */
  async set(chosen: ChosenStatus): Promise<void> {
    await this.tell('presence.set', chosen);
  }

  /** This user writes in a conversation: call it as often as you like. */
  type(conversationId: string): void {
    const now = Date.now();
    if (this.told?.id === conversationId && now - this.told.at < AGAIN_MS) return;
    this.told = { id: conversationId, at: now };
    this.tell('typing.start', { conversation_id: conversationId }).catch(() => (this.told = undefined));
  }

  /** And no longer: what was written is gone. Sending it says so by itself. */
  stopTyping(conversationId: string): void {
    if (this.told?.id !== conversationId) return;
    this.told = undefined;
    this.tell('typing.stop', { conversation_id: conversationId }).catch(() => {});
  }

  /** A message went out: that ends typing. */
  sent(conversationId: string): void {
    if (this.told?.id === conversationId) this.told = undefined;
  }

  /** The socket is new: what was watched on the one before is not any more. */
  connected(): void {
    if (this.wanted.length === 0) return;
    const { wanted } = this;
    this.tell('presence.watch', { user_ids: [...wanted] }).then(
      ({ states = [] }) => {
        if (wanted !== this.wanted) return;
        this.statuses.clear();
        for (const { user_id, status } of states) this.statuses.set(user_id, status);
        this.onChange();
      },
      // The next socket asks again.
      () => {},
    );
  }

  changed({ user_id, data }: Events['presence.changed']): void {
    this.statuses.set(user_id, data.status);
    this.onChange();
  }

  heard(signal: AnySignal): void {
    const { type, conversation_id: id, actor_id: userId } = signal;
    if (type === 'typing.stopped') return this.ended(id, userId);
    if (type !== 'typing.started') return;
    const typing = this.typing.get(id) ?? new Map<string, ReturnType<typeof setTimeout>>();
    this.typing.set(id, typing);
    clearTimeout(typing.get(userId));
    // By this clock: the server's may be another.
    typing.set(
      userId,
      setTimeout(() => this.ended(id, userId), TYPING_MS),
    );
    this.onChange();
  }

  /** Nobody who has sent is still typing it. */
  happened(event: AnyEvent): void {
    if (event.type === 'message.sent') this.ended(event.conversation_id, event.actor_id);
  }

  end(): void {
    for (const typing of this.typing.values()) for (const timer of typing.values()) clearTimeout(timer);
    this.typing.clear();
  }

  private ended(conversationId: string, userId: string): void {
    const typing = this.typing.get(conversationId);
    clearTimeout(typing?.get(userId));
    if (!typing?.delete(userId)) return;
    if (typing.size === 0) this.typing.delete(conversationId);
    this.onChange();
  }
}

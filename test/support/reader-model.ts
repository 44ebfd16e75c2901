/**
 * What one client may be sent of its streams, as simply as it can be said: the next event, nothing else; after the event by which its
 * user went, only the one by which they come back; after a `sync.reset`, which needs a reason, what follows the event that it names. Holds
 * every frame against that and throws at the first that does not fit.
 */
import { seqOf } from '../../src/log/log.ts';
import type { RedisInMemory } from './redis-in-memory.ts';

export interface SeenFrame {
  readonly type: string;
  readonly id?: string;
  readonly seq?: number;
  readonly conversation_id?: string;
  readonly user_id?: string;
  readonly data: Record<string, unknown>;
}

export class ReaderModel {
  /** By stream id: where the client stands; one that went is not there. */
  readonly cursors = new Map<string, string>();
  /** The same for those that the client's user was taken out of: the event that said so. */
  private readonly ends = new Map<string, string>();
  /** Where it stood before what was sent again, until it is there again. */
  private readonly furthest = new Map<string, string>();
  /** Streams where the next event may be that of coming in: the log that the client was told to reload may have it later. */
  private readonly comesAnew = new Set<string>();
  private readonly redis: RedisInMemory;
  private readonly userId: string;
  /** What the client asked to be sent again, by the ids of its commands. */
  private readonly asked = new Map<string, { readonly streamId: string; readonly after: string }>();

  constructor(redis: RedisInMemory, userId: string) {
    this.redis = redis;
    this.userId = userId;
  }

  /** What the session says, and what the client has from before: of a conversation that its user has left since, there comes nothing. */
  startsAt(places: Iterable<readonly [string, string]>, cursors: ReadonlyMap<string, string>): void {
    for (const [id, place] of places) this.cursors.set(id, place);
    for (const [id, cursor] of cursors) {
      if (!this.cursors.has(id)) this.comesAnew.add(id);
      this.cursors.set(id, cursor);
    }
  }

  asks(command: string, streamId: string, after: string): void {
    this.asked.set(command, { streamId, after });
  }

  sees(frame: SeenFrame): void {
    if (frame.type === 'sync.reset') this.seesReset(frame);
    else if (frame.seq !== undefined) this.seesEvent(frame);
    else if (frame.id !== undefined) this.asked.delete(frame.id);
  }

  private seesReset({ data }: SeenFrame): void {
    const id = String(data['conversation_id'] ?? data['user_id']);
    const places = [this.cursors.get(id) ?? this.ends.get(id), this.furthest.get(id), ...this.again(id)].filter(
      (place) => place !== undefined,
    );
    if (!places.some((place) => this.isGone(id, place)))
      throw new Error(`a reset of ${id}, which stands at ${places.join()}`);
    this.cursors.set(id, String(data['last_event_id']));
    this.comesAnew.add(id);
    this.furthest.delete(id);
  }

  private seesEvent({ id = '', seq = 0, ...frame }: SeenFrame): void {
    const streamId = frame.conversation_id ?? frame.user_id ?? '';
    const own = this.redis.effects.get(`${streamId} ${id}`)?.find(({ userId }) => userId === this.userId);
    const cursor = this.cursors.get(streamId);
    const follows = (place: string | undefined) => place !== undefined && seq === seqOf(place) + 1;
    const comesIn = own?.kind === 'joined' && own.conversationId === streamId;
    const wasAsked = this.again(streamId).some(follows);
    if (!follows(cursor) && !wasAsked && !(comesIn && (cursor === undefined || this.comesAnew.has(streamId))))
      throw new Error(`${this.userId} at ${cursor} of ${streamId} was sent ${id}`);
    if (!follows(cursor) && cursor !== undefined && !this.furthest.has(streamId)) this.furthest.set(streamId, cursor);
    if (this.furthest.get(streamId) === id) this.furthest.delete(streamId);
    this.cursors.set(streamId, id);
    this.comesAnew.delete(streamId);
    if (own?.kind !== 'left') return;
    this.cursors.delete(streamId);
    this.ends.set(streamId, id);
  }

  private again(id: string): string[] {
    return [...this.asked.values()].flatMap(({ streamId, after }) => (streamId === id ? [after] : []));
  }

  /** No log has this event, now. */
  private isGone(streamId: string, id: string): boolean {
    return id !== '0-0' && !this.redis.feed.some(({ event }) => event.stream.id === streamId && event.id === id);
  }
}

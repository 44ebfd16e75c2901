/**
 * What the gateway asks of the features: what a session is told when it opens, where a conversation begins for whoever joins it, and what an
 * event means for the sockets of a node beyond being delivered.
 */
import type { Decode, Effect, RawEvent } from '../envelope.ts';
import { userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { memberStanding, parseMember } from './access.ts';
import type { Deps, FeatureEvent, Listener, OpenSocket } from './feature.ts';
import { toldLate } from './told-late.ts';

/** `session.ready` names this many conversations; the rest come by REST. */
const CONVERSATIONS_IN_READY = 100;

export class Sockets {
  private readonly deps: Deps;
  private readonly effects: ReadonlyMap<string, (raw: RawEvent) => Effect[]>;
  /** By the type that they hear of. */
  private readonly listeners = new Map<string, Listener>();
  private readonly publicTypes: ReadonlySet<string>;

  constructor(deps: Deps, events: readonly FeatureEvent[], listeners: readonly Listener[]) {
    this.deps = deps;
    this.effects = effectsByType(events, deps.decode);
    for (const listener of listeners) for (const type of listener.types) this.listeners.set(type, listener);
    this.publicTypes = new Set(events.filter(({ isPublic }) => isPublic).map(({ type }) => type));
  }

  conversationIds(userId: string): Promise<string[]> {
    return this.deps.memberships.of(userId);
  }

  /** Throws `not_found` or `forbidden` unless the user is in the conversation. */
  async checkMember(userId: string, conversationId: string): Promise<void> {
    await memberStanding(this.deps.log, userId, conversationId);
  }

  /** Where a user's streams stand; `only` looks at no other conversation. */
  async opening(
    userId: string,
    only: string | undefined,
  ): Promise<{ ready: string; heads: ReadonlyMap<string, string>; userEventId: string }> {
    const [user, userHeads, { items, totalUnread, heads }] = await Promise.all([
      this.deps.people.own(userId),
      this.deps.log.heads([userStream(userId)], []),
      this.deps.rooms.recent(userId, CONVERSATIONS_IN_READY, only),
    ]);
    const ready = `"user":${JSON.stringify(user)},"conversations":[${items.join(',')}],"total_unread":${totalUnread}`;
    return { ready, heads, userEventId: userHeads[0]?.id ?? '0-0' };
  }

  /** Id of the event before the one by which the user came into a conversation; undefined where they are not in it. */
  async beforeJoining(userId: string, stream: StreamRef): Promise<string | undefined> {
    const { log } = this.deps;
    const member = parseMember(await log.guardField(stream, 'members', userId));
    return member && log.idAtSeq(stream, member.joined - 1);
  }

  /** Where the device of a socket goes on. */
  deviceMarks(socket: OpenSocket, heads: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
    return this.deps.devices.marks(socket, heads);
  }

  /** Whether those who watch a user get this event of theirs. */
  isPublic(type: string): boolean {
    return this.publicTypes.has(type);
  }

  /** From whom an actor's signals are kept, of those with a socket here. */
  hiddenFrom(actorId: string): ((userId: string) => boolean) | undefined {
    return this.deps.blocks.hiddenFrom(actorId);
  }

  /** The same of an event, which then keeps its place and says nothing. */
  withheldFrom(event: RawEvent): ((userId: string) => boolean) | undefined {
    return this.deps.withheldFrom(event);
  }

  /** Events as who reads their log late is told them. */
  toldLate(stream: StreamRef, events: readonly RawEvent[]): Promise<readonly RawEvent[]> {
    return toldLate(this.deps, stream, events);
  }

  effectsOf(raw: RawEvent): Effect[] {
    return this.effects.get(raw.type)?.(raw) ?? [];
  }

  /** An event that has just come about. */
  hear(raw: RawEvent): void {
    this.tell(raw);
    // A session that another node ended is refused here from now on, not only when its trust runs out.
    for (const effect of this.effectsOf(raw))
      if (effect.kind === 'session_ended') this.deps.identity.forget(effect.userId);
  }

  /** Whoever hears of it asks again where it matters: what went wrong here must not reach the sockets. */
  private tell(raw: RawEvent): void {
    const listener = this.listeners.get(raw.type);
    if (!listener) return;
    Promise.resolve()
      .then(() => listener.hear(this.deps.decode(raw)))
      .catch(() => {});
  }
}

/** A broken event means nothing here: the projector parks it. */
function effectsByType(events: readonly FeatureEvent[], decode: Decode): Map<string, (raw: RawEvent) => Effect[]> {
  const effects = new Map<string, (raw: RawEvent) => Effect[]>();
  for (const definition of events) {
    if (!definition.membership && !definition.follows && !definition.endsSession) continue;
    effects.set(definition.type, (raw) => {
      const { kind, id } = raw.stream;
      let data: never;
      try {
        data = decode(raw).data as never;
      } catch {
        return [];
      }
      const changes = kind === 'conversation' ? definition.membership?.(data, id) : undefined;
      const follows = definition.follows?.(data);
      const ended = definition.endsSession?.(data);
      return [
        ...(changes ?? []).map(({ change, ...who }) => ({ kind: change, ...who })),
        ...(follows === undefined ? [] : [{ kind: 'joined' as const, userId: id, conversationId: follows }]),
        ...(ended === undefined ? [] : [{ kind: 'session_ended' as const, userId: id, sessionId: ended }]),
      ];
    });
  }
  return effects;
}

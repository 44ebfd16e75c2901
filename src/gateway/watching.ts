/**
 * Sessions that watch other users: of those users' streams they get what is public, while it happens. Nothing is made up for afterwards
 * and no seq is promised, so this stands beside the subscriptions and not among them.
 */
import type { RawEvent } from '../envelope.ts';
import { fail } from '../errors.ts';
import { frameFor } from './frames.ts';
import type { Framed } from './frames.ts';
import type { Outbox } from './outbox.ts';

export interface Watcher {
  readonly userId: string;
  readonly outbox: Outbox;
}

const MAX_WATCHED = 500;

export class Watching {
  private readonly meaning: { isPublic?(type: string): boolean };
  private readonly watched = new Map<Watcher, ReadonlySet<string>>();
  private readonly byUser = new Map<string, Set<Watcher>>();

  constructor(meaning: { isPublic?(type: string): boolean }) {
    this.meaning = meaning;
  }

  /** The watcher follows these users from now on, and no other. A session's own user is followed anyway. */
  set(watcher: Watcher, userIds: readonly string[]): void {
    if (userIds.length > MAX_WATCHED) throw fail('validation_failed', `At most ${MAX_WATCHED} users can be watched`);
    this.clear(watcher);
    const wanted = new Set(userIds.filter((id) => id !== watcher.userId));
    if (wanted.size === 0) return;
    this.watched.set(watcher, wanted);
    for (const id of wanted) {
      const others = this.byUser.get(id);
      if (others) others.add(watcher);
      else this.byUser.set(id, new Set([watcher]));
    }
  }

  clear(watcher: Watcher): void {
    for (const id of this.watched.get(watcher) ?? []) {
      const watchers = this.byUser.get(id)!;
      watchers.delete(watcher);
      if (watchers.size === 0) this.byUser.delete(id);
    }
    this.watched.delete(watcher);
  }

  /** Who watches the user. */
  of(userId: string): Iterable<Watcher> {
    return this.byUser.get(userId) ?? [];
  }

  /** Hands an event of a user's stream to who watches them. Where it is withheld from one of them, that one gets nothing. */
  take({ stream, type }: RawEvent, framed: () => Framed): void {
    const watchers = this.byUser.get(stream.id);
    if (!watchers || stream.kind !== 'user' || !this.meaning.isPublic?.(type)) return;
    const event = framed();
    for (const { userId, outbox } of watchers) {
      if (frameFor(event, userId) === event.frame) outbox.push(event.frame);
    }
  }
}

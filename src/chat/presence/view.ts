/**
 * How users are seen: the projection `presence`, and the service by which every feature asks. What others were told last is what is so;
 * only a text that has come to its end is left out at once, though its event may come a moment later. Refuses to show a user to
 * who shares no conversation with them, or where there is a block between the two: to these a user looks offline, and was never seen.
 */
import { userStream } from '../../keys.ts';
import { orNull, when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { standings } from '../access.ts';
import { UserDeleted } from '../accounts/contract.ts';
import type { Deps } from '../feature.ts';
import type { Presence, Presences } from '../services.ts';
import { PresenceChanged } from './contract.ts';

/** Flat, as entities are: '' stands for null. */
interface Seen {
  status: string;
  status_text: string;
  last_seen: string;
}

export const presence: Projection<Seen> = {
  name: 'presence',
  version: 1,
  source: 'user',
  shape: 'entity',
  key: () => '',
  fields: { status: 'string', status_text: 'string', last_seen: 'string' },
  handlers: [
    when(PresenceChanged, ({ data: { status, status_text, last_seen } }) => [
      { key: '', order: 0, put: { status, status_text: status_text ?? '', last_seen: last_seen ?? '' } },
    ]),
    when(UserDeleted, () => [{ key: '', remove: true }]),
  ],
};

export const NOWHERE: Presence = { status: 'offline', status_text: null, last_seen: null };

export interface PresenceReads extends Presences {
  /** Those of the users who are in a conversation with the caller, with no block between the two; and the caller. */
  sharing(callerId: string, userIds: readonly string[]): Promise<Set<string>>;
  /** How these users look to whoever may see them. */
  seen(userIds: readonly string[], now: number): Promise<Presence[]>;
}

export function presenceReads({
  log,
  reading,
  memberships,
  blocks,
}: Pick<Deps, 'log' | 'reading' | 'memberships' | 'blocks'>): PresenceReads {
  async function one(userId: string, now: number): Promise<Presence> {
    const stream = userStream(userId);
    const found = await reading.entity(presence, stream);
    if (!found) return NOWHERE;
    const { status, status_text, last_seen } = found;
    const ends = status_text === '' ? '' : await log.guardField(stream, 'presence', 'ends');
    const isOver = Boolean(ends) && Number(ends) <= now;
    return {
      status: status as Presence['status'],
      status_text: isOver ? null : orNull(status_text),
      last_seen: orNull(last_seen),
    };
  }

  async function sharing(callerId: string, userIds: readonly string[]): Promise<Set<string>> {
    const ids = await memberships.of(callerId);
    const standing = await standings(log, callerId, ids);
    const mine = new Set(ids.filter((_, i) => standing[i]?.member));
    const [blocked, theirs] = await Promise.all([
      blocks.between(callerId, userIds),
      Promise.all(userIds.map((id) => memberships.of(id))),
    ]);
    const isSharing = (id: string, i: number) => !blocked.has(id) && theirs[i]!.some((room) => mine.has(room));
    return new Set(userIds.filter((id, i) => id === callerId || isSharing(id, i)));
  }

  const seen = (userIds: readonly string[], now: number) => Promise.all(userIds.map((id) => one(id, now)));

  return {
    sharing,
    seen,
    async seenBy({ caller, now }, userId) {
      const isShown = (await sharing(caller.userId, [userId])).has(userId);
      return isShown ? one(userId, now) : NOWHERE;
    },
  };
}

/**
 * Who users are, to themselves and to others: the projection `profiles` and the reads of it. A deleted user's profile keeps nothing of
 * the person: others are shown "Deleted user", and so they are for an id that nobody has.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { orNull, when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { directoryEntry, idOfEntry } from '../directory.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { fold } from '../folding.ts';
import { Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import type { People, Person } from '../services.ts';
import {
  Nothing,
  OneUserAnswer,
  OwnUserAnswer,
  UserAnswer,
  UserDeleted,
  UserRegistered,
  UserUpdated,
} from './contract.ts';
import type { User } from './contract.ts';
import { holderOf } from './logins.ts';
import { loginName } from './names.ts';

/** Flat, as entities are: '' stands for null. */
interface Profile {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string;
  created_at: string;
  deleted_at: string;
  /** Whose bot it is. */
  owner_id: string;
}

export const profiles: Projection<Profile> = {
  name: 'profiles',
  version: 2,
  source: 'user',
  shape: 'entity',
  key: () => '',
  fields: {
    id: 'string',
    username: 'string',
    display_name: 'string',
    avatar_url: 'string',
    created_at: 'string',
    deleted_at: 'string',
    owner_id: 'string',
  },
  handlers: [
    when(UserRegistered, ({ user_id = '', at, data: { username, display_name, avatar_url, owner_id = '' } }) => [
      {
        key: '',
        order: 0,
        put: {
          id: user_id,
          username,
          display_name,
          avatar_url: avatar_url ?? '',
          created_at: at,
          deleted_at: '',
          owner_id,
        },
      },
    ]),
    when(UserUpdated, ({ data: { display_name, avatar_url } }) => [
      {
        key: '',
        change: (profile) => ({
          ...profile,
          ...(display_name === undefined ? {} : { display_name }),
          ...(avatar_url === undefined ? {} : { avatar_url: avatar_url ?? '' }),
        }),
      },
    ]),
    when(UserDeleted, ({ at }) => [
      {
        key: '',
        change: (profile) => ({ ...profile, username: '', display_name: '', avatar_url: '', deleted_at: at }),
      },
    ]),
  ],
};

const toUser = ({ id, username, display_name, avatar_url, created_at, owner_id }: Profile): User => ({
  id,
  username,
  display_name,
  avatar_url: orNull(avatar_url),
  created_at,
  ...(owner_id === '' ? {} : { is_bot: true, owner_id }),
});

const noLonger = (id: string): Person => ({ id, username: '', display_name: 'Deleted user', avatar_url: null });

async function living({ reading }: Pick<Deps, 'reading'>, userId: string): Promise<Profile | undefined> {
  const profile = await reading.entity(profiles, userStream(userId));
  return profile && profile.deleted_at === '' ? profile : undefined;
}

/** Who users are, for every feature. */
export function peopleOf(deps: Pick<Deps, 'log' | 'reading'>): People {
  const { log } = deps;
  async function own(userId: string): Promise<User> {
    const [profile, email] = await Promise.all([
      living(deps, userId),
      log.guardField(userStream(userId), 'account', 'email'),
    ]);
    // The account is gone, and its tokens are about to be.
    if (!profile) throw fail('unauthenticated');
    return { ...toUser(profile), email: orNull(email ?? '') };
  }

  async function people(ids: readonly string[]): Promise<Map<string, Person>> {
    const person = async (id: string): Promise<[string, Person]> => {
      const profile = await living(deps, id);
      if (!profile) return [id, noLonger(id)];
      const { username, display_name, avatar_url } = profile;
      return [id, { id, username, display_name, avatar_url: orNull(avatar_url) }];
    };
    return new Map(await Promise.all([...new Set(ids)].map(person)));
  }

  async function exists(ids: readonly string[]): Promise<string[]> {
    const heads = await log.heads(ids.map(userStream), ['registered', 'deleted']);
    return ids.filter((_, i) => heads[i]?.registered && !heads[i].deleted);
  }

  async function named(usernames: readonly string[]): Promise<Map<string, string>> {
    const holders = await Promise.all(usernames.map((name) => holderOf(log, loginName(name))));
    return new Map(usernames.flatMap((name, i) => (holders[i] ? [[name, holders[i]] as const] : [])));
  }

  return { own, people, exists, named };
}

export function userQueries(deps: Deps): Query[] {
  const { log, people, presences } = deps;

  /**
   * A user stands in the directory under the username and the display name, and is shown under the first of them that begins with the
   * prefix. That is told from the entry alone, so that no page needs to know what the pages before it showed.
   */
  async function search(prefix: string, after: string, limit: number): Promise<{ found: Found[]; more: boolean }> {
    const found: Found[] = [];
    for (let from = after; ;) {
      const { entries, more } = await log.directoryPage('users', prefix, from, limit);
      const shown = await Promise.all(entries.map((entry) => living(deps, idOfEntry(entry))));
      for (const [i, entry] of entries.entries()) {
        const profile = shown[i];
        if (!profile || firstEntry(profile, prefix) !== entry) continue;
        if (found.length === limit) return { found, more: true };
        found.push({ entry, user: toUser(profile) });
      }
      const last = entries.at(-1);
      if (!more || last === undefined) return { found, more: false };
      from = last;
    }
  }

  const me = query({
    name: 'users.me',
    about: 'The caller, with the e-mail address',
    data: Nothing,
    answer: OwnUserAnswer,
    route: { method: 'GET', path: '/users/me' },
    anyKey: true,
    run: ({ caller }) => people.own(caller.userId),
  });

  const list = query({
    name: 'users.list',
    about: 'Users whose username or display name begins with the query, by name',
    data: Type.Object(
      {
        limit: Limit,
        cursor: Type.Optional(Cursor),
        query: Type.Optional(Type.String({ maxLength: 64, description: 'Beginning of a name, in any case' })),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(UserAnswer),
    route: { method: 'GET', path: '/users' },
    async run(_, { limit, cursor, query: text = '' }) {
      const [after] = cursor === undefined ? [''] : decodeCursor(cursor, [''] as [string]);
      const { found, more } = await search(fold(text), after, limit);
      const next_cursor = more ? encodeCursor([found.at(-1)!.entry]) : null;
      return { items: found.map(({ user }) => user), next_cursor, has_more: more };
    },
  });

  const one = query({
    name: 'users.one',
    about: 'One user; who shares no conversation with the caller looks offline',
    data: Type.Object({ user_id: Id }, { additionalProperties: false }),
    answer: OneUserAnswer,
    route: { method: 'GET', path: '/users/{user_id}' },
    async run(context, { user_id }) {
      const profile = await living(deps, user_id);
      if (!profile) throw fail('not_found', 'There is no such user');
      const { status, last_seen } = await presences.seenBy(context, user_id);
      return { ...toUser(profile), presence: { status, last_seen } };
    },
  });

  return [me, list, one];
}

interface Found {
  readonly entry: string;
  readonly user: User;
}

function firstEntry({ id, username, display_name }: Profile, prefix: string): string | undefined {
  return [username, display_name]
    .map((name) => directoryEntry(name, id))
    .filter((entry) => entry.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0];
}

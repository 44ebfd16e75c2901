/** What one may do to another, and see of them, whatever conversation they are in: one word for each relation. */
import type { Json } from './client.ts';

/** How the other one stands to who tries it. */
export const relations = ['sharing', 'stranger', 'blocked', 'blocking', 'oneself', 'nobody'] as const;
export type Relation = (typeof relations)[number];

export interface PeopleRow {
  readonly act: string;
  /** `METHOD path`, and a body. */
  readonly rest: (other: string) => readonly [string, Json?];
  /** Data of the frame of this name. */
  readonly frame?: (other: string) => Json;
  /** What is told of the other one, where it is done: the word in place of `ok`. */
  readonly says?: (answer: Json) => string;
  readonly words: Readonly<Record<Relation, string>>;
}

const doing = { sharing: 'ok', stranger: 'ok', blocked: 'ok', blocking: 'ok' } as const;
const seen = { sharing: 'online', stranger: 'offline', blocked: 'offline', blocking: 'offline' } as const;

export const peopleRows: readonly PeopleRow[] = [
  {
    act: 'block.add',
    rest: (other) => [`PUT /users/me/blocks/${other}`],
    frame: (user_id) => ({ user_id }),
    words: { ...doing, oneself: 'validation_failed', nobody: 'not_found' },
  },
  {
    act: 'block.remove',
    rest: (other) => [`DELETE /users/me/blocks/${other}`],
    frame: (user_id) => ({ user_id }),
    words: { ...doing, oneself: 'ok', nobody: 'ok' },
  },
  {
    act: 'conversation.direct',
    rest: (other) => ['POST /conversations/direct', { user_id: other }],
    words: {
      sharing: 'ok',
      stranger: 'ok',
      blocked: 'forbidden',
      blocking: 'forbidden',
      oneself: 'validation_failed',
      nobody: 'not_found',
    },
  },
  {
    act: 'users.one',
    rest: (other) => [`GET /users/${other}`],
    says: ({ presence }) => (presence as { status: string }).status,
    words: { ...seen, oneself: 'online', nobody: 'not_found' },
  },
  {
    act: 'presence.watch',
    rest: (other) => [`GET /users/${other}`],
    frame: (other) => ({ user_ids: [other] }),
    says: ({ states, presence }) => ((states as Json[] | undefined)?.[0] ?? (presence as Json))['status'] as string,
    words: { ...seen, oneself: 'online', nobody: 'not_found' },
  },
];

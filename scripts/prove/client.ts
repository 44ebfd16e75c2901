/**
 * People as the outside knows them: registered by REST, in groups of each other. Every call goes to any node that answers and is
 * repeated with back-off, for the stories kill what they talk to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** People that one request may name. */
const MOST_AT_ONCE = 100;
const PASSWORD = 'correct horse battery';
/** Longer than the product's own deadline for Redis, so that its word comes before we give up. */
export const ANSWER_WITHIN_MS = 8_000;

/** One REST call to one node. Rejects when no answer came. */
export async function call<T = Record<string, unknown>>(
  base: string,
  method: string,
  path: string,
  {
    token,
    body,
    headers = {},
    within = ANSWER_WITHIN_MS,
  }: { token?: string; body?: unknown; headers?: Readonly<Record<string, string>>; within?: number } = {},
): Promise<Answer<T>> {
  const response = await fetch(`${base}/api/v1${path}`, {
    method,
    signal: AbortSignal.timeout(within),
    headers: {
      ...(body === undefined || body instanceof FormData ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as T };
}

/** Tries any of the nodes until one answers with less than 500. */
export async function persist<T = Record<string, unknown>>(
  bases: readonly string[],
  method: string,
  path: string,
  options: Parameters<typeof call>[3] = {},
): Promise<Answer<T>> {
  let last = 'nothing';
  for (let attempt = 0; attempt < 60; attempt += 1) {
    try {
      const answer = await call<T>(bases[attempt % bases.length]!, method, path, options);
      if (answer.status < 500) return answer;
      last = `${answer.status} ${JSON.stringify(answer.body)}`;
    } catch (error) {
      last = String(error);
    }
    await sleep(Math.min(50 * 2 ** attempt, 1_000));
  }
  throw new Error(`${method} ${path} was never answered: ${last}`);
}

export async function register(bases: readonly string[], name: string): Promise<Person> {
  const credentials = { username: name, password: PASSWORD };
  let answer = await persist(bases, 'POST', '/auth/register', { body: credentials });
  // The first try may have been carried out and its answer lost.
  if (answer.status === 409) answer = await persist(bases, 'POST', '/auth/login', { body: credentials });
  if (answer.status >= 300) throw new Error(`register ${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { id: (answer.body['user'] as { id: string }).id, name, token: String(answer.body['access_token']) };
}

export async function people(bases: readonly string[], prefix: string, count: number): Promise<Person[]> {
  const made: Person[] = [];
  for (let i = 0; i < count; i += 8) {
    const some = Array.from({ length: Math.min(8, count - i) }, (_, k) => register(bases, `${prefix}${i + k}`));
    made.push(...(await Promise.all(some)));
  }
  return made;
}

/** Groups that all of these people are in; the first owns them. */
export async function groups(bases: readonly string[], members: readonly Person[], count: number): Promise<string[]> {
  const [owner, ...others] = members;
  const invited = others.map((person) => person.id);
  const body = { type: 'group', name: 'a group', participant_ids: invited.slice(0, MOST_AT_ONCE) };
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const answer = await persist(bases, 'POST', '/conversations', { token: owner!.token, body });
    if (answer.status !== 201) throw new Error(`group: ${answer.status} ${JSON.stringify(answer.body)}`);
    const id = String(answer.body['id']);
    for (let at = MOST_AT_ONCE; at < invited.length; at += MOST_AT_ONCE) {
      const more = { user_ids: invited.slice(at, at + MOST_AT_ONCE) };
      const added = await persist(bases, 'POST', `/conversations/${id}/participants`, {
        token: owner!.token,
        body: more,
      });
      if (added.status !== 201) throw new Error(`adding people: ${added.status} ${JSON.stringify(added.body)}`);
    }
    ids.push(id);
  }
  return ids;
}

/** Contents of every message that a person wrote in a conversation, oldest first, read page by page in one direction. */
export async function history(
  bases: readonly string[],
  person: Person,
  conversation: string,
  order: 'asc' | 'desc',
): Promise<{ id: string; event_id: string; content: string }[]> {
  const all: { id: string; event_id: string; content: string; message_type: string }[] = [];
  for (let cursor = ''; ;) {
    const path = `/conversations/${conversation}/messages?limit=100&order=${order}${cursor}`;
    const answer = await persist<{ items: typeof all; next_cursor: string | null }>(bases, 'GET', path, {
      token: person.token,
    });
    if (answer.status !== 200) throw new Error(`history: ${answer.status} ${JSON.stringify(answer.body)}`);
    all.push(...answer.body.items.filter(({ message_type }) => message_type !== 'system'));
    if (answer.body.next_cursor === null) return order === 'asc' ? all : all.toReversed();
    cursor = `&cursor=${answer.body.next_cursor}`;
  }
}

/** Of clients that come back: soon, since a story waits for them. */
export const BACK_OFF = { firstMs: 30, mostMs: 800 };

/** Waits longer after each failure, never the same as another client. */
export class BackOff {
  private failures = 0;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  reset(): void {
    this.failures = 0;
  }

  async wait(): Promise<void> {
    const most = Math.min(BACK_OFF.firstMs * 2 ** this.failures, BACK_OFF.mostMs);
    this.failures += 1;
    await sleep(this.random.between(most / 2, most));
  }
}

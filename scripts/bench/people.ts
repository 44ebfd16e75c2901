/** Users and rooms for a benchmark, made through the product's own API. */
import type { Target } from './processes.ts';

export interface BenchUser {
  readonly id: string;
  readonly token: string;
}

export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

/** Resolves when all of the answer is there. */
export async function ask<T>({ port }: Target, token: string | undefined, { method, path, body }: Ask): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text === '' ? '{}' : text) as T;
}

const post = <T>(product: Target, path: string, body: object, token?: string): Promise<T> =>
  ask(product, token, { method: 'POST', path, body });

let made = 0;

export async function makeUsers(product: Target, count: number): Promise<BenchUser[]> {
  const users: BenchUser[] = [];
  while (users.length < count) {
    const some = Array.from({ length: Math.min(20, count - users.length) }, async () => {
      const body = { username: `bench${(made += 1)}`, password: 'correct horse' };
      const answer = await post<{ user: { id: string }; access_token: string }>(product, '/auth/register', body);
      return { id: answer.user.id, token: answer.access_token };
    });
    users.push(...(await Promise.all(some)));
  }
  return users;
}

/** A group of the users; the first owns it. */
export async function makeRoom(product: Target, users: readonly BenchUser[]): Promise<string> {
  const [owner, ...others] = users;
  const ids = others.map((user) => user.id);
  const body = { type: 'group', name: 'bench', participant_ids: ids.slice(0, 100) };
  const { id } = await post<{ id: string }>(product, '/conversations', body, owner!.token);
  for (let i = 100; i < ids.length; i += 100) {
    await post(product, `/conversations/${id}/participants`, { user_ids: ids.slice(i, i + 100) }, owner!.token);
  }
  return id;
}

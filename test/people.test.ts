/** Who may do what to whom, by the table of people, over REST and WebSocket alike. */
import { expect } from 'chai';
import { until } from '../src/redis/redis-server.ts';
import type { Json, Socket } from './support/client.ts';
import { peopleRows, relations } from './support/people-rows.ts';
import type { PeopleRow, Relation } from './support/people-rows.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';

describe('who may do what to whom', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  for (const row of peopleRows) {
    it(row.act, async () => {
      const node = await startNode({ ROLES: 'api,gateway' });
      const ada = await register(node);
      const socket = await ada.socket();
      const others = await Promise.all(relations.map(() => register(node)));
      const people = Object.fromEntries(relations.map((name, i) => [name, others[i]!])) as Record<Relation, User>;
      await group(ada, people.sharing, people.blocked, people.blocking);
      await Promise.all(others.map((one) => one.socket()));
      await ada.rest.call('PUT', `/users/me/blocks/${people.blocked.id}`);
      await people.blocking.rest.call('PUT', `/users/me/blocks/${ada.id}`);
      await until('all are there', async () => {
        const seen = await people.sharing.rest.get<{ presence: Json }>(`/users/${ada.id}`);
        const shown = await ada.rest.get<{ presence: Json }>(`/users/${people.sharing.id}`);
        return [seen, shown].every(({ body }) => body.presence['status'] === 'online');
      });
      const idOf = (name: Relation) => ({ ...people, oneself: ada, nobody: { id: '0'.repeat(26) } })[name].id;
      for (const [way, attempt] of Object.entries({ rest: byRest, ...(row.frame ? { frame: byFrame } : {}) })) {
        const found: Record<string, string> = {};
        for (const name of relations) found[name] = await attempt(row, idOf(name), ada, socket);
        // Of many that are watched, one that is not there is nothing to refuse them for.
        const expected =
          way === 'frame' && row.act === 'presence.watch' ? { ...row.words, nobody: 'offline' } : row.words;
        expect(found, `${row.act} by ${way}`).to.deep.equal(expected);
      }
    });
  }

  async function byRest(row: PeopleRow, other: string, { rest }: User): Promise<string> {
    const [call, body] = row.rest(other);
    const [method = '', path = ''] = call.split(' ');
    const reply = await rest.call<Json>(method, path, body);
    if (reply.status >= 300) return String(reply.body['code']);
    return row.says?.(reply.body) ?? 'ok';
  }

  async function byFrame(row: PeopleRow, other: string, _: User, socket: Socket): Promise<string> {
    const { error, data } = await socket.ask(row.act, row.frame!(other));
    return error?.code ?? row.says?.(data) ?? 'ok';
  }
});

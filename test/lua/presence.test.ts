/** The scripts of presence against their headers. Time passes by moving what they wrote into the past. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import type { Append, Appended } from '../../src/log/log.ts';
import { register } from '../support/projectors.ts';
import { dump, request, user } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

const MINUTE_MS = 60_000;
const LEASE_MS = 40_000;

for (const topology of topologies) {
  describe(`scripts of presence on ${topology}`, () => {
    const world = useWorld(topology);
    const ada = userStream(user(1));
    beforeEach(async () => {
      await world.log.prepare();
      await register(world.log, 1);
    });

    const run = (script: string, args: Append['args'], more: Partial<Append> = {}): Promise<Appended> =>
      world.log.append({ script, stream: ada, actorId: ada.id, knowsRepeats: true, args, ...more });
    const word = (node: string) => ({ node, lease: `0.${node}`, lease_ms: String(LEASE_MS) });
    const arrive = (connection: string, node = 'N1') => run('presence.arrive', { connection, ...word(node) });
    const depart = (connection: string, node = 'N1', since = '') => run('presence.depart', { connection, node, since });
    const settle = () => run('presence.settle', {});
    const set = (status: string, text = '', ends = '', more: Partial<Append> = {}) =>
      run('presence.set', { status, text, ends }, more);

    const key = (name: string) => world.log.keys.of(ada, name);
    const redis = () => world.log.connection.commands;
    const timer = () => redis().zscore(key('timers'), `presence ${ada.id}`);
    const isListed = async () => (await redis().zscore(key('online'), ada.id)) !== null;
    /** What others were told, in order, since this was asked last. */
    let told = 0;
    beforeEach(() => (told = 0));
    async function news(): Promise<[string, string | null, string | null][]> {
      const all = (await world.log.readAfter(ada, '0-0')).filter(({ type }) => type === 'presence.changed');
      const fresh = all
        .slice(told)
        .map(({ json }) => JSON.parse(json.toString()) as { data: Record<string, string | null> });
      told = all.length;
      return fresh.map(({ data }) => [String(data['status']), data['status_text']!, data['last_seen']!]);
    }
    const statuses = async () => (await news()).map(([status]) => status);
    async function pass(ms: number): Promise<void> {
      for (const field of ['left', 'ends', 'seen']) {
        const at = await redis().hget(key('presence'), field);
        if (at) await redis().hset(key('presence'), field, Number(at) - ms);
      }
    }
    const changesNothing = async (work: () => Promise<Appended>) => {
      const before = await dump(world.log);
      expect((await work()).status).to.equal('unchanged');
      expect(await dump(world.log)).to.deep.equal(before);
    };

    it('the first socket brings one event, further ones and repeats none', async () => {
      const minute = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS).toISOString();
      expect((await arrive('C1')).status).to.equal('ok');
      const [[status, text, seen]] = (await news()) as [[string, null, string]];
      expect([status, text]).to.deep.equal(['online', null]);
      expect(seen >= minute && seen.endsWith(':00.000Z'), seen).to.equal(true);
      await arrive('C2', 'N2');
      // Only the word of its node is renewed by it.
      const state = await redis().hgetall(key('presence'));
      expect((await arrive('C2', 'N2')).status).to.equal('unchanged');
      expect(await redis().hgetall(key('presence'))).to.deep.equal(state);
      expect(await redis().zcard(key('present'))).to.equal(3);
      expect(await statuses()).to.deep.equal([]);
      expect(await isListed()).to.equal(true);
    });

    it('after the last socket the others are told once, when the grace is over', async () => {
      await arrive('C1');
      await arrive('C2', 'N2');
      await depart('C1');
      expect(await timer()).to.equal(null);
      const before = Date.now();
      await depart('C2', 'N2');
      expect(Number(await timer())).to.be.within(before + 4_000, before + 7_000);
      await depart('C2', 'N2');
      expect(await settle()).to.deep.equal({ status: 'unchanged', id: '' });
      expect(await statuses()).to.deep.equal(['online']);
      await pass(2 * MINUTE_MS);
      expect((await settle()).status).to.equal('ok');
      const [[status, , seen]] = (await news()) as [[string, null, string]];
      expect(status).to.equal('offline');
      expect(Date.parse(seen)).to.equal(Math.floor((before - 2 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS);
      expect([await timer(), await isListed()]).to.deep.equal([null, false]);
      await changesNothing(settle);
    });

    it('who comes back within the grace was never away, also where nobody looked at its end', async () => {
      await arrive('C1');
      await news();
      for (const ms of [1_000, 60_000]) {
        await depart('C1');
        await pass(ms);
        await arrive('C1');
        expect(await timer()).to.equal(null);
        await pass(60_000);
        await settle();
        expect(await statuses()).to.deep.equal([]);
      }
    });

    it('a dead node takes its sockets with it, since it was last heard', async () => {
      await arrive('C1', 'N1');
      const since = Date.now() - 5 * MINUTE_MS;
      await depart('C1', 'N1', String(since));
      const [, [status, , seen]] = (await news()) as [unknown, [string, null, string]];
      expect(status).to.equal('offline');
      expect(Date.parse(seen)).to.equal(Math.floor(since / MINUTE_MS) * MINUTE_MS);
    });

    it('says what changes: the status while a socket is open, the text at all times', async () => {
      await set('busy');
      expect(await news()).to.deep.equal([]);
      await set('busy', '"out: \\"\\u00e9\\" {}"');
      expect(await news()).to.deep.equal([['offline', 'out: "é" {}', null]]);
      await arrive('C1');
      await set('away');
      await changesNothing(() => set('away'));
      await set('online', 'null');
      expect((await news()).map(([status, text]) => [status, text])).to.deep.equal([
        ['busy', 'out: "é" {}'],
        ['away', 'out: "é" {}'],
        ['online', null],
      ]);
    });

    it('invisible looks offline, since it was chosen, and nothing more is seen of coming and going', async () => {
      await arrive('C1');
      await set('invisible');
      const [, [status]] = (await news()) as [unknown, [string, null, string]];
      expect([status, await isListed()]).to.deep.equal(['offline', false]);
      await arrive('C2');
      await depart('C1');
      await depart('C2');
      await pass(2 * MINUTE_MS);
      await settle();
      await arrive('C3');
      expect(await news()).to.deep.equal([]);
      await set('invisible', '"still not here"');
      expect(await news()).to.deep.equal([]);
      await set('online');
      expect((await news()).map(([now, text]) => [now, text])).to.deep.equal([['online', 'still not here']]);
    });

    it('in the grace a status is seen still', async () => {
      await arrive('C1');
      await depart('C1');
      await set('busy');
      expect(await statuses()).to.deep.equal(['online', 'busy']);
      expect(await timer()).to.not.equal(null);
      await pass(6_000);
      await settle();
      expect(await statuses()).to.deep.equal(['offline']);
    });

    it('a text ends at its time, with one event', async () => {
      await arrive('C1');
      const ends = Date.now() + 50_000;
      await set('busy', '"lunch"', String(ends));
      expect(Number(await timer())).to.equal(ends);
      await depart('C1');
      expect(Number(await timer())).to.be.below(ends);
      await arrive('C1');
      expect(Number(await timer())).to.equal(ends);
      await changesNothing(settle);
      await pass(50_000);
      await settle();
      await changesNothing(settle);
      expect((await news()).map(([status, text]) => [status, text])).to.deep.equal([
        ['online', null],
        ['busy', 'lunch'],
        ['busy', null],
      ]);
      expect(await timer()).to.equal(null);
      await set('busy', '"lunch"', String(Date.now() + 50_000));
      await set('busy', '"for ever"');
      expect(await timer()).to.equal(null);
    });

    it('an invisible user writes a text that nobody is told before they are seen again; one that ends is gone for all', async () => {
      await arrive('C1');
      await set('busy', '"lunch"');
      await set('invisible', '"secretly here"');
      expect((await set('invisible', '"still here"')).status).to.equal('unchanged');
      await set('away');
      await set('away', '"back soon"', String(Date.now() + 50_000));
      await set('invisible');
      await pass(50_000);
      await settle();
      expect((await news()).map(([status, text]) => [status, text])).to.deep.equal([
        ['online', null],
        ['busy', 'lunch'],
        ['offline', 'lunch'],
        ['away', 'still here'],
        ['away', 'back soon'],
        ['offline', 'back soon'],
        ['offline', null],
      ]);
    });

    it('is done once under one request id, and refuses it for another request', async () => {
      const more = { requestId: request(1), body: 'busy' };
      await arrive('C1');
      const first = await set('busy', '', '', more);
      await set('away');
      await changesNothing(async () => ({ ...(await set('busy', '', '', more)), status: 'unchanged' }));
      expect(await set('busy', '', '', more)).to.deep.equal({ status: 'duplicate', id: first.id });
      const other = await set('away', '', '', { ...more, body: 'away' }).catch((error: Error) => error);
      expect(other).to.include({ code: 'conflict' });
      const nobody = await world.log
        .append({
          script: 'presence.set',
          stream: userStream(user(2)),
          actorId: user(2),
          args: { status: 'busy', text: '', ends: '' },
        })
        .catch((error: Error) => error);
      expect(nobody).to.include({ code: 'not_found' });
    });

    it('an account that ends is gone at once, with its text, and its sockets say nothing more', async () => {
      await arrive('C1');
      await set('busy', '"here"', String(Date.now() + 50_000));
      await news();
      await run('user.delete', { proved: 'hash', erase: '' });
      expect((await news()).map(([status, text]) => [status, text])).to.deep.equal([['offline', null]]);
      await depart('C1');
      await arrive('C2');
      await settle();
      expect([await news(), await timer(), await isListed()]).to.deep.equal([[], null, false]);
      expect(await redis().exists(key('presence'))).to.equal(0);
      expect(await redis().zrange(key('present'), '0', '-1')).to.deep.equal(['-']);
    });

    describe('the word of a node', () => {
      const partition = () => world.log.keys.partitionOf(ada.id);
      const at = async (script: string, args: Append['args']) =>
        (await world.log.runAt(script, partition(), args)).slice(1);
      const lapse = (node: string) => at('presence.lapse', { ...word(node), count: '1' });
      beforeEach(async () => {
        for (const [connection, node] of [
          ['C1', 'N1'],
          ['C2', 'N1'],
          ['C3', 'N11'],
        ] as const)
          await arrive(connection, node);
      });

      it('is renewed for all its sockets at once, and says how many are known', async () => {
        const name = 'presence_lease 0.N1';
        await redis().zadd(key('timers'), 1, name);
        expect(await at('presence.renew', word('N1'))).to.deep.equal([2]);
        expect(await at('presence.renew', word('N11'))).to.deep.equal([1]);
        expect(await at('presence.renew', word('N2'))).to.deep.equal([0]);
        expect(Number(await redis().zscore(key('timers'), name))).to.be.within(
          Date.now() + 35_000,
          Date.now() + 45_000,
        );
        const page = (after: string) => at('presence.roll', { node: 'N1', after, count: '1' });
        const entries = [`N1 ${ada.id} C1`, `N1 ${ada.id} C2`];
        expect([await page(''), await page(entries[0]!), await page(entries[1]!)]).to.deep.equal([
          [entries[0]],
          [entries[1]],
          [],
        ]);
      });

      it('lapses only when its time is over, and its timer goes with its last socket', async () => {
        expect(await lapse('N1')).to.deep.equal(['0']);
        await redis().zadd(key('timers'), 50_000, 'presence_lease 0.N1');
        expect(await lapse('N1')).to.deep.equal(['10000', `N1 ${ada.id} C1`]);
        await depart('C1', 'N1', '10000');
        await depart('C2', 'N1', '10000');
        expect(await lapse('N1')).to.deep.equal(['10000']);
        expect(await redis().zscore(key('timers'), 'presence_lease 0.N1')).to.equal(null);
        expect(await statuses()).to.deep.equal(['online']);
        await depart('C3', 'N11', '10000');
        expect(await statuses()).to.deep.equal(['offline']);
      });
    });
  });
}

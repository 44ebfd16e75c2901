/** The scripts of attachments and of the bytes they hold, against their headers. Time passes by moving timers into the past. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import type { Append, Appended } from '../../src/log/log.ts';
import { codeOf } from '../support/accounts.ts';
import { register } from '../support/projectors.ts';
import { dump, message, request, room, user } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

const KEEP_MS = 86_400_000;
const SHA = 'a'.repeat(64);

for (const topology of topologies) {
  describe(`scripts of attachments on ${topology}`, () => {
    const world = useWorld(topology);
    const ada = userStream(user(1));
    beforeEach(() => register(world.log, 1));

    const redis = () => world.log.connection.commands;
    const key = (name: string) => world.log.keys.of(ada, name);
    const append = (script: string, args: Append['args'], more: Partial<Append> = {}): Promise<Appended> =>
      world.log.append({ script, stream: ada, actorId: ada.id, knowsRepeats: true, args, ...more });
    const run = (script: string, args: Append['args']) => world.log.run(script, ada, args);
    /** An id of an attachment of the user's: it lies where the user does. */
    const file = (n: number): string => {
      const ids = Array.from({ length: 200 }, (_, i) => message(n * 1_000 + i));
      return ids.find((id) => world.log.keys.partitionOf(id) === world.log.keys.partitionOf(ada.id))!;
    };
    const use = (n: number) => `${room(1).id} ${message(n)}`;
    const data = (n: number) => JSON.stringify({ attachment_id: file(n), file_name: 'a “name”.txt' });
    const upload = (n: number, more: Partial<Append> = {}) =>
      append('attachment.upload', { attachment: file(n), keep_ms: String(KEEP_MS), data: data(n) }, more);
    const claim = (ids: number[], of: number, more: Append['args'] = {}) =>
      run('attachment.claim', {
        actor: ada.id,
        owner: ada.id,
        from: '',
        use: use(of),
        again_ms: '600000',
        ids: ids.map(file),
        ...more,
      });
    const settle = (n: number, words: string[] = []) =>
      append('attachment.settle', { attachment: file(n), keep_ms: String(KEEP_MS), uses_and_words: words });
    const release = (n: number, of: number) => append('attachment.release', { attachment: file(n), use: use(of) });
    const timer = async (n: number) => Number((await redis().zscore(key('timers'), `attachment ${file(n)}`)) ?? 0);
    const ring = (n: number) => redis().zadd(key('timers'), Date.now() - 1_000, `attachment ${file(n)}`);
    const age = async (n: number) => {
      const value = (await redis().hget(key('uploads'), file(n)))!;
      await redis().hset(key('uploads'), file(n), value.replace(/^\d+/, '1000'));
    };
    const uses = async () => (await redis().zrange(key('attached'), '0', '-1')).filter((entry) => entry !== '-');
    const isThere = async (n: number) => (await redis().hexists(key('uploads'), file(n))) === 1;
    const isListed = async (n: number) => (await redis().zscore(key('attachments'), `${file(n)}\n${ada.id}`)) !== null;
    const last = async () => (await world.log.readBefore(ada, '+', 1))[0]!;
    const changesNothing = async (work: () => Promise<unknown>) => {
      const before = await dump(world.log);
      const result = await work();
      expect(await dump(world.log)).to.deep.equal(before);
      return result;
    };

    describe('attachment.upload', () => {
      it('tells of it, keeps what was told, lists it by its id, and sets its timer', async () => {
        const { status, id } = await upload(1);
        expect(status).to.equal('ok');
        const event = await last();
        expect([event.type, event.id]).to.deep.equal(['attachment.uploaded', id]);
        expect(JSON.parse(event.json.toString())).to.deep.include({ data: JSON.parse(data(1)) });
        expect(await redis().hget(key('uploads'), file(1))).to.equal(`${id} ${data(1)}`);
        expect([await isListed(1), await isListed(2)]).to.deep.equal([true, false]);
        expect((await timer(1)) - Date.now()).to.be.within(KEEP_MS - 10_000, KEEP_MS);
      });

      it('is once, by its id and by its request’s', async () => {
        const first = await upload(1, { requestId: request(1), body: 'a' });
        expect(await changesNothing(() => upload(1))).to.deep.equal({ status: 'duplicate', id: first.id });
        const again = await changesNothing(() => upload(2, { requestId: request(1), body: 'a' }));
        expect(again).to.deep.equal({ status: 'duplicate', id: first.id });
        expect(await codeOf(upload(2, { requestId: request(1), body: 'b' }))).to.equal('conflict');
      });

      it('is for who is there', async () => {
        const nobody = { stream: userStream(user(9)), actorId: user(9) };
        expect(await changesNothing(() => codeOf(upload(1, nobody)))).to.equal('not_found');
      });
    });

    describe('attachment.claim', () => {
      beforeEach(async () => {
        await upload(1);
        await upload(2);
      });

      it('keeps all for the message, once, and has it looked at soon', async () => {
        const [, ...values] = await claim([1, 2], 5);
        expect(values.map((value) => String(value).split(' ').slice(1).join(' '))).to.deep.equal([data(1), data(2)]);
        expect(await uses()).to.have.members([`${file(1)} ${use(5)} ?`, `${file(2)} ${use(5)} ?`]);
        expect((await timer(2)) - Date.now()).to.be.within(590_000, 600_000);
        await claim([1, 2], 5);
        expect(await uses()).to.have.length(2);
      });

      it('takes all or none', async () => {
        expect(await changesNothing(() => codeOf(claim([1, 3], 5)))).to.equal('not_found');
      });

      it('of another’s is for who names a message that carries them', async () => {
        const other = { actor: user(2) };
        expect(await changesNothing(() => codeOf(claim([1], 5, other)))).to.equal('not_found');
        await claim([1], 5);
        expect(await codeOf(claim([1], 6, { ...other, from: use(5) }))).to.equal('ok');
        expect(await changesNothing(() => codeOf(claim([2], 6, { ...other, from: use(5) })))).to.equal('not_found');
      });

      it('leaves alone what a message carries already', async () => {
        await claim([1], 5);
        await ring(1);
        await settle(1, [use(5), '+']);
        expect(await timer(1)).to.equal(0);
        await changesNothing(() => claim([1], 5));
      });
    });

    describe('attachment.unclaim', () => {
      it('takes back what is on its way, and not what is carried', async () => {
        await upload(1);
        await claim([1], 5);
        await ring(1);
        await settle(1, [use(5), '+']);
        await claim([1], 6);
        for (const of of [5, 6]) await run('attachment.unclaim', { use: use(of), ids: [file(1)] });
        expect(await uses()).to.deep.equal([`${file(1)} ${use(5)}`]);
      });
    });

    describe('attachment.settle', () => {
      beforeEach(() => upload(1));

      it('lets what no message carries go, when its time has come', async () => {
        await changesNothing(() => settle(1));
        await ring(1);
        expect((await settle(1)).status).to.equal('unchanged');
        expect((await timer(1)) - Date.now()).to.be.within(KEEP_MS - 10_000, KEEP_MS);
        const { id } = await last();
        await age(1);
        await ring(1);
        expect((await settle(1)).status).to.equal('ok');
        const removed = JSON.parse((await last()).json.toString()) as { type: string; data: object };
        expect(removed.type).to.equal('attachment.removed');
        expect(removed.data).to.deep.equal({ attachment_id: file(1), uploaded: id.replace(/^\d+/, '1000') });
        expect([await isThere(1), await isListed(1), await timer(1)]).to.deep.equal([false, false, 0]);
        await changesNothing(() => settle(1));
      });

      it('keeps what a message carries, and forgets the one that never came', async () => {
        await claim([1], 5);
        await claim([1], 6);
        await age(1);
        await ring(1);
        await settle(1, [use(5), '+', use(6), '-']);
        expect([await uses(), await isThere(1), await timer(1)]).to.deep.equal([[`${file(1)} ${use(5)}`], true, 0]);
      });

      it('keeps what is planned, and looks again', async () => {
        await claim([1], 5);
        await age(1);
        await ring(1);
        await settle(1, [use(5), '=']);
        expect([await uses(), await isThere(1)]).to.deep.equal([[`${file(1)} ${use(5)} ?`], true]);
        expect((await timer(1)) - Date.now()).to.be.within(KEEP_MS - 10_000, KEEP_MS);
      });

      it('does nothing where it was claimed once more since', async () => {
        await claim([1], 5);
        await changesNothing(() => settle(1, [use(5), '-']));
      });
    });

    describe('attachment.delete', () => {
      const remove = (n: number, more: Partial<Append> = {}) =>
        append('attachment.delete', { attachment: file(n) }, more);

      it('takes away what no message carries, once by its request', async () => {
        await upload(1);
        const asked = { requestId: request(7) };
        const { status, id } = await remove(1, asked);
        expect([status, (await last()).id, (await last()).type]).to.deep.equal(['ok', id, 'attachment.removed']);
        expect([await isThere(1), await isListed(1), await timer(1)]).to.deep.equal([false, false, 0]);
        const again = await changesNothing(() => remove(1, asked));
        expect(again).to.include({ status: 'duplicate', id });
      });

      it('refuses what is not there, and what a message carries or is about to', async () => {
        await changesNothing(async () => expect(await codeOf(remove(1))).to.equal('not_found'));
        await upload(1);
        await claim([1], 5);
        await changesNothing(async () => expect(await codeOf(remove(1))).to.equal('conflict'));
      });
    });

    describe('attachment.release', () => {
      it('lets it go with its last message', async () => {
        await upload(1);
        await claim([1], 5);
        await claim([1], 6);
        expect((await release(1, 5)).status).to.equal('unchanged');
        expect(await isThere(1)).to.equal(true);
        await changesNothing(() => release(1, 5));
        expect((await release(1, 6)).status).to.equal('ok');
        expect([await isThere(1), await isListed(1), await uses(), await timer(1)]).to.deep.equal([
          false,
          false,
          [],
          0,
        ]);
        await changesNothing(() => release(1, 6));
      });

      it('leaves alone what no message has carried yet', async () => {
        await upload(1);
        await changesNothing(() => release(1, 5));
      });
    });
  });

  describe(`scripts of files on ${topology}: file.hold, file.release, file.forget`, () => {
    const world = useWorld(topology);
    const owner = { kind: 'file', id: SHA } as const;
    const run = async (script: string, args: Append['args']) =>
      (await world.log.run(script, owner, { sha256: SHA, ...args })).slice(1);
    const hold = (holder: number, word: string) =>
      run('file.hold', { holder: message(holder), word, again_ms: '3600000' });
    const release = (holder: number) => run('file.release', { holder: message(holder) });
    const held = () => world.log.connection.commands.zrange(world.log.keys.of(owner, 'files'), '0', '-1');

    it('one content has one key, which goes with the last who holds it', async () => {
      expect(await hold(1, 'W1')).to.deep.equal(['W1']);
      expect(await hold(2, 'W2')).to.deep.equal(['W1']);
      expect(await hold(2, 'W3')).to.deep.equal(['W1']);
      expect(await release(1)).to.deep.equal([]);
      expect(await release(1)).to.deep.equal([]);
      expect(await release(2)).to.deep.equal(['W1']);
    });

    it('a key that is to be taken away is named until it is forgotten, and is nobody’s again', async () => {
      await hold(1, 'W1');
      await release(1);
      expect(await hold(2, 'W2')).to.deep.equal(['W2']);
      expect(await release(3)).to.deep.equal(['W1']);
      expect(await release(2)).to.deep.equal(['W1', 'W2']);
      await run('file.forget', { words: ['W1', 'W2'] });
      expect(await release(2)).to.deep.equal([]);
      expect((await held()).filter((entry) => entry !== '-')).to.deep.equal([]);
    });

    it('a hold is looked at an hour later', async () => {
      await hold(1, 'W1');
      const due = await world.log.connection.commands.zscore(
        world.log.keys.of(owner, 'timers'),
        `file ${SHA} ${message(1)}`,
      );
      expect(Number(due) - Date.now()).to.be.within(3_590_000, 3_600_000);
    });
  });
}

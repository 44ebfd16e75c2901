/** The old end of a log in segments: every reader goes on through them, and what cannot be read is an error and no gap. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { START } from '../src/envelope.ts';
import type { RawEvent } from '../src/envelope.ts';
import { packed, unpacked } from '../src/log/archive/segment.ts';
import { sealNext } from '../src/log/archive/sealing.ts';
import type { Log } from '../src/log/log.ts';
import { sealAll, sizes, useArchiveFolder } from './support/archiving.ts';
import { codeOf, Room, setClock } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

for (const topology of topologies) {
  describe(`a log whose old end is archived, on ${topology}`, () => {
    const files = useArchiveFolder();
    const world = useWorld(topology, { archive: files });
    let room: Room;
    const redis = () => world.log.connection.commands;
    const inRedis = () => redis().xlen(world.log.keys.of(room.stream, 'log'));

    /** Some events within one millisecond or a few, then some a while later. */
    async function fill(): Promise<readonly RawEvent[]> {
      room = new Room(world);
      const { id } = await room.create();
      for (let n = 0; n < 20; n += 1) await room.send(1, n);
      await setClock(world, room.stream, Number(id.split('-')[0]) + 100_000);
      await Promise.all(Array.from({ length: 29 }, (_, n) => room.send(1, 20 + n)));
      return world.log.readAfter(room.stream, START);
    }

    /** What every read answers, of ids that there are, of times and of ids that there are not. */
    async function answers(log: Log, all: readonly RawEvent[]) {
      const { stream } = room;
      const ms = all.map(({ id }) => Number(id.split('-')[0]));
      const odd = [...new Set([ms[0]! - 1, ms[20]! + 1, ms[30]!, ms.at(-1)! + 1])].flatMap((at) => [
        `${at}-0`,
        `${at}-7`,
        `${at}-99`,
      ]);
      const cursors = [START, ...all.map(({ id }) => id), ...odd];
      const told = (events: readonly RawEvent[] | undefined) =>
        events?.map(({ id, type, json }) => [id, type, json.toString()]);
      const each = cursors.map(async (id) => [
        ...(await Promise.all([1, 7, 500].map(async (count) => told(await log.readAfter(stream, id, count))))),
        ...(await Promise.all(
          [1, 7, 500].map(async (count) => (id === START ? [] : told(await log.readBefore(stream, id, count)))),
        )),
        told(await log.readFromCursor(stream, id, 7)),
        told([(await log.readOne(stream, id)) ?? []].flat()),
      ]);
      const whole: unknown[] = [];
      for await (const page of log.readAll(stream, START, 8)) whole.push(...told(page)!);
      for await (const page of log.entries.proofs(stream, START)) whole.push(...page);
      const seqs = Array.from({ length: all.length + 2 }, (_, seq) => log.idAtSeq(stream, seq));
      return [
        cursors,
        await Promise.all(each),
        whole,
        await Promise.all(seqs),
        told(await log.readBefore(stream, '+', 500)),
      ];
    }

    it('answers every read as before, wherever it was cut', async () => {
      const all = await fill();
      const before = await answers(world.log, all);
      for (const most of [1, 7, 13]) {
        const options = { log: world.log, files, before: Infinity, sizes: sizes(most) };
        await sealNext(options, room.stream);
        expect(await answers(await world.another(), all), `after ${most} more`).to.deep.equal(before);
      }
      expect(await sealAll(world.log, files, room.stream)).to.equal(28);
      expect(await inRedis()).to.equal(1);
      expect(await answers(await world.another(), all)).to.deep.equal(before);
      await room.send(1, 99);
      expect((await world.log.readAfter(room.stream, START)).map(({ seq }) => seq)).to.deep.equal([
        ...all.map(({ seq }) => seq),
        51,
      ]);
    });

    it('has no gap for whoever reads while it is sealed, by two at once', async () => {
      const all = await fill();
      let isSealing = true;
      const sealing = Promise.all(
        [world.log, await world.another()].map((log) => sealAll(log, files, room.stream, { most: 3 })),
      );
      const read = async () => {
        const log = await world.another();
        while (isSealing) {
          const up = await log.readAfter(room.stream, all[4]!.id);
          expect(up.map(({ seq }) => seq)).to.deep.equal(all.slice(5).map(({ seq }) => seq));
          const down = await log.readBefore(room.stream, '+');
          expect(down.map(({ seq }) => seq)).to.deep.equal(all.map(({ seq }) => seq).toReversed());
        }
      };
      const readers = [read(), read()];
      const sealed = await sealing;
      isSealing = false;
      await Promise.all(readers);
      expect(sealed[0]! + sealed[1]!).to.equal(49);
    });

    it('seals only what is old enough, and leaves the last event', async () => {
      const all = await fill();
      const before = Number(all[21]!.id.split('-')[0]);
      expect(await sealAll(world.log, files, room.stream, { before })).to.equal(21);
      expect(
        await sealAll(world.log, files, room.stream, { sizes: { most: 1_000, least: 32, bytes: 1_000_000 } }),
      ).to.equal(0);
      expect(await inRedis()).to.equal(29);
    });
  });
}

describe('archive.seal: segments of a log', () => {
  const files = useArchiveFolder();
  const world = useWorld('one Redis', { archive: files });
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create();
    for (let n = 0; n < 9; n += 1) await room.send(1, n);
  });
  const options = () => ({ log: world.log, files, before: Infinity, sizes: sizes(4) });
  const inRedis = () => world.log.connection.commands.xlen(world.log.keys.of(room.stream, 'log'));
  const fileOf = (name: string) => join(files.folder, name.slice(0, 2), name);

  it('are files of lines that say what they are', async () => {
    await sealAll(world.log, files, room.stream, { most: 4 });
    const [segment] = await world.log.archive.segments(room.stream);
    const bytes = await files.read(segment!.file);
    const content = unpacked(bytes);
    expect(content).to.include({ first: segment!.first, count: 4, log: world.log.keys.of(room.stream, 'log') });
    expect(packed(content).equals(bytes)).to.equal(true);
  });

  it('that are missing, damaged or another one are an error for each reader that comes to them, and no gap', async () => {
    await sealAll(world.log, files, room.stream, { most: 4 });
    const [first, second] = await world.log.archive.segments(room.stream);
    const other = await files.read(first!.file);
    const spoil: Record<string, () => void> = {
      damaged: () => writeFileSync(fileOf(second!.file), other.subarray(0, 200)),
      'another one': () => writeFileSync(fileOf(second!.file), other),
      missing: () => rmSync(fileOf(second!.file)),
    };
    for (const [how, act] of Object.entries(spoil)) {
      act();
      const log = await world.another();
      expect((await log.readAfter(room.stream, START, 4)).length, how).to.equal(4);
      const reads = [
        () => log.readAfter(room.stream, START, 5),
        () => log.readBefore(room.stream, '+', 5),
        () => log.readOne(room.stream, second!.first),
        () => log.readFromCursor(room.stream, first!.last),
      ];
      for (const read of reads) expect(await codeOf(read()), how).to.equal('unavailable');
      expect(world.warnings.join(), how).to.match(/a segment cannot be read/);
    }
    const lost = await world.another({ archive: undefined });
    expect(await codeOf(lost.readAfter(room.stream, START))).to.equal('unavailable');
  });

  it('are not made of what does not hold, and nothing leaves Redis that is not what was sealed', async () => {
    const { log } = world;
    const key = log.keys.of(room.stream, 'log');
    const spoiled = { ...files, read: async (name: string) => (await files.read(name)).subarray(1) };
    const badly = await world.another({ archive: spoiled });
    expect(await codeOf(sealNext({ ...options(), log: badly }, room.stream))).to.equal('unavailable');
    expect(await inRedis()).to.equal(10);

    // Between the look and the script somebody changes an entry.
    const [[id, fields]] = (await log.connection.commands.xrange(key, '-', '+')) as [[string, string[]]];
    const changes = {
      ...files,
      put: async (content: Buffer) => {
        const rest = await log.connection.commands.xrange(key, `(${id}`, '+');
        await log.connection.commands.del(key);
        const changed = fields.map((text) => text.replace('a room', 'a rOom'));
        for (const [at, values] of [[id, changed] as const, ...rest])
          await log.connection.commands.xadd(key, at, ...values);
        return files.put(content);
      },
    };
    expect(await sealNext({ ...options(), files: changes }, room.stream)).to.include({ events: 0 });
    expect(await inRedis()).to.equal(10);
    const refused = await sealNext(options(), room.stream).catch((error: Error) => error.message);
    expect(refused).to.match(/is not the one that was appended/);
    expect(await inRedis()).to.equal(10);
  });

  it('hold any text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 4 }),
        async (texts) => {
          for (const text of texts) await room.update(1, { name: text }, { directory: '' });
          const before = await world.log.connection.commands.xrangeBuffer(
            world.log.keys.of(room.stream, 'log'),
            '-',
            '+',
          );
          const gone = await sealAll(world.log, files, room.stream, { most: 50 });
          const entries = await (await world.another()).archive.up(room.stream, START, 1_000);
          expect(entries.slice(-gone)).to.deep.equal(before.slice(0, gone));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('take no room twice', async () => {
    await Promise.all([1, 2].map(() => sealAll(world.log, files, room.stream, { most: 4 })));
    const kept = readdirSync(files.folder).flatMap((folder) =>
      folder === 'incoming' ? readdirSync(join(files.folder, folder)) : readdirSync(join(files.folder, folder)),
    );
    expect(kept.length).to.equal((await world.log.archive.segments(room.stream)).length);
  });
});

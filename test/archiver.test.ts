/** What brings logs to the archive: ended at any step it loses nothing and leaves nothing; in turn, by a worker, or by an operator's command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import { messageIdOf } from '../src/chat/messages/guard.ts';
import { START } from '../src/envelope.ts';
import { endWithUs } from '../src/redis/leftovers.ts';
import { until } from '../src/redis/redis-server.ts';
import { Archiver } from '../src/projector/archiver.ts';
import { Views } from '../src/views/store.ts';
import { sealAll, useArchiveFolder } from './support/archiving.ts';
import { chatOn, json } from './support/command-line.ts';
import { Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

const STEPS = ['writing', 'moving', 'reading back', 'trimming'].flatMap((step) => [`before ${step}`, `after ${step}`]);

describe('bringing logs to the archive', () => {
  const files = useArchiveFolder();
  const world = useWorld('one Redis', { archive: files });
  const inRedis = (room: Room) => world.log.connection.commands.xlen(world.log.keys.of(room.stream, 'log'));
  const kept = () =>
    readdirSync(files.folder, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}-/.test(name));

  async function filled(n: number, count: number): Promise<Room> {
    const room = new Room(world, n);
    await room.create();
    await Promise.all(Array.from({ length: count - 1 }, (_, i) => room.send(1, i)));
    return room;
  }

  it('goes on after an end at any step', async function () {
    this.timeout(60_000);
    const room = await filled(1, 91);
    const told = async () =>
      (await (await world.another()).readAfter(room.stream, START)).map(({ json: bytes }) => bytes.toString());
    const before = await told();
    for (const step of STEPS) {
      const script = fileURLToPath(new URL('./support/archive-and-die.ts', import.meta.url));
      const args = [world.environment['REDIS_URL']!, files.folder, room.stream.id, step];
      const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      endWithUs(child);
      const [, signal] = (await once(child, 'exit')) as [number, string];
      expect(signal, step).to.equal('SIGKILL');
      expect(await told(), step).to.deep.equal(before);
    }
    for (const name of readdirSync(join(files.folder, 'incoming')))
      utimesSync(join(files.folder, 'incoming', name), 0, 0);
    await sealAll(world.log, files, room.stream);
    expect(await told()).to.deep.equal(before);
    expect(await inRedis(room)).to.equal(1);
    expect(kept().length).to.equal((await world.log.archive.segments(room.stream)).length);
  });

  it('is done by a worker, of conversations that are long enough', async () => {
    const [long, short] = [await filled(1, 50), await filled(2, 20)];
    const { log } = world;
    const parts = { views: new Views(log), projections, messageIdOf };
    const options = { log, files, ...parts, warn: (text: string) => world.warnings.push(text), leaseMs: 1_000 };
    const archiver = new Archiver({ ...options, worker: 'one', afterMs: 0, now: () => Date.now() + 1_000 });
    await archiver.start();
    try {
      await until('the long one is archived', async () => (await inRedis(long)) === 1);
    } finally {
      await archiver.stop();
    }
    expect(await inRedis(short)).to.equal(20);
    expect((await log.readAfter(long.stream, START)).length).to.equal(50);
    expect(world.warnings).to.deep.equal([]);
  });

  it('is done by a command, which says first what it would do', async () => {
    const [one, two] = [await filled(1, 50), await filled(2, 40)];
    const chat = chatOn(() => ({ ...world.environment, DATA_DIR: files.dataDir }));
    interface Told {
      events: number;
      conversations: { conversation_id: string; events: number }[];
    }
    expect((await chat('archive')).code).to.equal(2);
    const days = ['--after-days', '0.00000001'];
    const dry = json<Told>(await chat('archive', '--dry-run', '--json', ...days));
    expect(dry).to.include({ dry_run: true, events: 49 + 39 });
    expect(await inRedis(one)).to.equal(50);
    expect((await chat('archive', '--conversation', two.stream.id, ...days)).output).to.match(
      /39 events of 1 conversation/,
    );
    expect(await inRedis(two)).to.equal(1);
    const rest = json<Told>(await chat('archive', '--json', ...days));
    expect(rest.conversations.map((row) => [row.conversation_id, row.events])).to.deep.equal([[one.stream.id, 49]]);
    const replayed = await chat('replay', '--conversation', one.stream.id);
    expect(replayed.output.trim().split('\n').length).to.equal(50);
    expect(json(await chat('verify', '--json'))).to.deep.include({ differences: [] });
  });
});

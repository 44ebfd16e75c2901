/** A long conversation in Redis, and the same after it was brought to the archive: what each costs there, and how long pages of it take. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { projections } from '../../src/chat/index.ts';
import { messageIdOf } from '../../src/chat/messages/guard.ts';
import { DiskStore } from '../../src/files/disk-store.ts';
import { WholeFiles } from '../../src/files/whole-files.ts';
import { conversationStream } from '../../src/keys.ts';
import { archive } from '../../src/projector/archiving.ts';
import { tempDir } from '../../src/redis/redis-server.ts';
import { Views } from '../../src/views/store.ts';
import { quantile } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { makeRoom, makeUsers } from './people.ts';
import { startProduct } from './processes.ts';
import { append, openLog, projected, stopping } from './stored.ts';

const MESSAGES = 50_000;
const AT_ONCE = 200;
const WORDS = 16;
const VOCABULARY = 20_000;
/** Pages around messages that nobody has asked for before, and then the same once more. */
const PAGES = 20;

async function conversation(isArchived: boolean): Promise<Side> {
  const dataDir = await tempDir();
  const product = await startProduct({ DATA_DIR: dataDir });
  const folder = join(dataDir, 'archive');
  const files = new WholeFiles(new DiskStore(folder), join(folder, 'incoming'));
  const users = await makeUsers(product, 2);
  const room = await makeRoom(product, users);
  const stream = conversationStream(room);
  const log = await openLog(product, files);
  for (let i = 0; i < MESSAGES; i += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => append(log, room, users[0]!, textOf(i + n))));
  await projected(log);

  let eventsPerSecond = 0;
  if (isArchived) {
    const since = performance.now();
    const options = { log, files, views: new Views(log), projections, messageIdOf, before: Infinity };
    let events = 0;
    for await (const sealed of archive(options, stream)) events += sealed.events;
    eventsPerSecond = (events / (performance.now() - since)) * 1_000;
  }

  const headers = { Authorization: `Bearer ${users[0]!.token}` };
  const times = async (queries: readonly string[]): Promise<number[]> => {
    const all: number[] = [];
    for (const query of queries) {
      const since = performance.now();
      const url = `http://127.0.0.1:${product.port}/api/v1/conversations/${room}/messages?limit=50&${query}`;
      await (await fetch(url, { headers })).text();
      all.push(performance.now() - since);
    }
    return all.toSorted((a, b) => a - b);
  };
  let rounds = 0;
  return {
    async round(): Promise<Measures> {
      rounds += 1;
      const around: string[] = [];
      for (let i = 0; i < PAGES; i += 1) {
        const seq = Math.floor((((i * 4 + (rounds % 4)) / (4 * PAGES)) * MESSAGES * 9) / 10) + 500;
        const event = await log.readOne(stream, await log.idAtSeq(stream, seq));
        around.push(`around=${messageIdOf(event!)!}`);
      }
      const [newest, first, again] = [await times(around.map(() => '')), await times(around), await times(around)];
      return {
        'redis bytes/message': (await bytesOf(log.connection.masters()[0]!, room)) / MESSAGES,
        'newest page p50 ms': quantile(newest, 0.5),
        'old page p50 ms': quantile(first, 0.5),
        'old page p95 ms': quantile(first, 0.95),
        'same again p50 ms': quantile(again, 0.5),
        ...(isArchived ? { 'archived events/s': eventsPerSecond } : {}),
      };
    },
    async stop() {
      await stopping(product, log)();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** 100 characters of words that are drawn from some thousands, a few of them much oftener than others, as people do. */
function textOf(n: number): string {
  const words: string[] = [];
  for (let i = 1; i <= WORDS; i += 1) {
    const draw = ((n * 31 + i) * 2_654_435_761) % 4_294_967_296;
    words.push(
      `w${Math.floor(VOCABULARY ** (draw / 4_294_967_296))
        .toString(36)
        .padStart(4, 'o')}`,
    );
  }
  return words.join(' ');
}

/** Of every key that has the conversation's id in its name. */
async function bytesOf(
  redis: ReturnType<Awaited<ReturnType<typeof openLog>>['connection']['masters']>[number],
  id: string,
): Promise<number> {
  const keys = await redis.keys(`*${id}*`);
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

export const archivedCases: readonly Case[] = [
  {
    name: 'archived',
    about: `a conversation of ${MESSAGES.toLocaleString('en-US')} messages of 100 characters: archived, beside the same in Redis`,
    sides: { rill: () => conversation(true), none: () => conversation(false) },
  },
];

/**
 * Search in 100,000 messages of 1,000 conversations for somebody who is in 200 of them, beside a plain scan of these 200 histories as the
 * views have them. The words come as words do: a few in nearly every message, most of them hardly ever.
 */
import { ulid } from 'ulid';
import { events, projections } from '../../src/chat/index.ts';
import { history } from '../../src/chat/messages/history.ts';
import type { Message } from '../../src/chat/messages/contract.ts';
import { needleOf } from '../../src/chat/search/needle.ts';
import { terms } from '../../src/chat/search/terms.ts';
import { eventDecoder } from '../../src/log/decoder.ts';
import { conversationStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { viewOfKey } from '../../src/keys.ts';
import { viewName } from '../../src/views/projection.ts';
import type { Projection } from '../../src/views/projection.ts';
import { Reading } from '../../src/views/reading.ts';
import { Views } from '../../src/views/store.ts';
import { Random } from '../prove/random.ts';
import { quantile } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { makeRoom, makeUsers } from './people.ts';
import type { BenchUser } from './people.ts';
import { costOf, startProduct } from './processes.ts';
import type { Stored } from './processes.ts';
import { append, openLog, projected, stopping } from './stored.ts';

const ROOMS = 1_000;
const OWN_ROOMS = 200;
const IN_ROOM = 100;
const VOCABULARY = 20_000;
/** Searches of each kind in a round, and plain scans. */
const ROUND = 15;
const SCANS = 2;

/** The word of a rank: syllables, the more common the shorter. */
function wordOf(rank: number): string {
  const syllables = [
    'ka',
    'to',
    'mi',
    'ren',
    'sul',
    'ba',
    'ne',
    'po',
    'dri',
    'va',
    'lo',
    'shi',
    'gu',
    'te',
    'mar',
    'o',
  ];
  let word = '';
  for (let rest = rank + 1; rest > 0; rest = Math.floor(rest / syllables.length))
    word += syllables[rest % syllables.length];
  return word;
}

/** By Zipf's law, as near as an exponential gets. */
const rankOf = (random: Random): number => Math.floor(VOCABULARY ** random.next()) - 1;

const sentence = (random: Random): string =>
  Array.from({ length: 3 + Math.floor(15 * random.next()) }, () => wordOf(rankOf(random))).join(' ');

/** What people look for, by what makes it dear or cheap. */
const queries: Record<string, (random: Random) => string> = {
  common: (random) => wordOf(Math.floor(10 * random.next())),
  rare: (random) => wordOf(3_000 + Math.floor(15_000 * random.next())),
  three: (random) => Array.from({ length: 3 }, () => wordOf(Math.floor(60 * random.next()))).join(' '),
  beginning: (random) => wordOf(200 + Math.floor(1_000 * random.next())).slice(0, 3),
  phrase: (random) => `"${wordOf(Math.floor(10 * random.next()))} ${wordOf(Math.floor(10 * random.next()))}"`,
  nothing: () => 'xylophone',
};

interface Setting {
  readonly product: Stored;
  readonly log: Log;
  readonly rooms: readonly string[];
  readonly me: BenchUser;
}

async function setting(): Promise<Setting> {
  const product = await startProduct();
  const [me, other] = (await makeUsers(product, 2)) as [BenchUser, BenchUser];
  const rooms: string[] = [];
  while (rooms.length < ROOMS) {
    const some = Array.from({ length: 20 }, (_, i) =>
      makeRoom(product, rooms.length + i < OWN_ROOMS ? [other, me] : [other]),
    );
    rooms.push(...(await Promise.all(some)));
  }
  const log = await openLog(product);
  const random = new Random(7);
  for (let n = 0; n < IN_ROOM; n += 1) {
    for (let i = 0; i < ROOMS; i += 200)
      await Promise.all(rooms.slice(i, i + 200).map((room) => append(log, room, other, sentence(random))));
  }
  await projected(log);
  return { product, log, rooms, me };
}

/** Runs all kinds of queries one after the other. */
async function ask(
  product: Stored,
  { random, rounds }: { random: Random; rounds: number },
  find: (q: string) => Promise<unknown>,
): Promise<Measures> {
  const times = new Map<string, number[]>(Object.keys(queries).map((kind) => [kind, []]));
  const count = rounds * times.size;
  const cost = await costOf(product, 'search', count, async () => {
    for (let i = 0; i < rounds; i += 1) {
      for (const [kind, query] of Object.entries(queries)) {
        const began = performance.now();
        await find(query(random));
        times.get(kind)!.push(performance.now() - began);
      }
    }
  });
  const sorted = (all: readonly number[]) => all.toSorted((a, b) => a - b);
  const all = sorted([...times.values()].flat());
  const each = [...times].map(([kind, own]) => [`p50 ms, ${kind}`, quantile(sorted(own), 0.5)]);
  return { ...cost, 'p50 ms': quantile(all, 0.5), 'p99 ms': quantile(all, 0.99), ...Object.fromEntries(each) };
}

/** Whether a key is one of a view on the side that is read. */
function isRead(views: Views, projection: Projection, key: string): boolean {
  const { view, id = '' } = viewOfKey(key) ?? {};
  return view === viewName(projection) && views.shape(projection, { kind: projection.source, id }).keys.includes(key);
}

async function bytesOf(log: Log, projection: Projection): Promise<number> {
  let bytes = 0;
  const views = new Views(log);
  await views.refresh();
  for await (const found of log.scan(log.keys.viewPattern())) {
    const keys = found.filter((key) => isRead(views, projection, key));
    const sizes = await Promise.all(keys.map((key) => log.connection.commands.memory('USAGE', key, 'SAMPLES', 0)));
    bytes += sizes.reduce<number>((sum, size) => sum + Number(size), 0);
  }
  return bytes / (ROOMS * IN_ROOM);
}

async function searching(at: Promise<Setting>): Promise<Side> {
  const { product, log, me } = await at;
  const random = new Random(11);
  const view = projections.find(({ name }) => name === terms.name)!;
  const headers = { Authorization: `Bearer ${me.token}` };
  return {
    async round(): Promise<Measures> {
      const measures = await ask(product, { random, rounds: ROUND }, async (q) => {
        const query = new URLSearchParams({ q }).toString();
        const response = await fetch(`http://127.0.0.1:${product.port}/api/v1/search/messages?${query}`, { headers });
        await response.json();
      });
      const options = { log, views: new Views(log), decode: eventDecoder(events), groupName: 'views', worker: ulid() };
      const began = performance.now();
      const { events: count } = await rebuild({ ...options, projections: [view] });
      return {
        ...measures,
        'rebuilt events/s': count / ((performance.now() - began) / 1_000),
        'bytes/message': await bytesOf(log, view),
        'bytes/message, history': await bytesOf(
          log,
          projections.find(({ name }) => name === history.name)!,
        ),
      };
    },
    stop: stopping(product, log),
  };
}

/** In this process, without HTTP: every message of every conversation is read and looked at. */
async function scanning(at: Promise<Setting>): Promise<Side> {
  const { product, log, rooms } = await at;
  const random = new Random(11);
  const reading = new Reading({ log, views: new Views(log), decode: eventDecoder(events), projections });
  const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
  return {
    round: () =>
      ask(product, { random, rounds: SCANS }, async (q) => {
        const needle = needleOf(q, segmenter);
        const range = { direction: 'down', limit: 10 * IN_ROOM } as const;
        const all = await Promise.all(
          rooms.slice(0, OWN_ROOMS).map((id) => reading.page(history, conversationStream(id), range, undefined)),
        );
        const messages = all.flat().map(({ json }) => JSON.parse(json.toString()) as Message);
        const found = messages.filter(({ content }) => needle.rangesIn(content));
        return found.toSorted((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, 50);
      }),
    // The other side ends what both ask.
    stop: async () => {},
  };
}

function sides(): Case['sides'] {
  let at: Promise<Setting> | undefined;
  const once = () => (at ??= setting());
  return { rill: () => searching(once()), scan: () => scanning(once()) };
}

export const searchCases: readonly Case[] = [
  {
    name: 'search',
    about:
      '100,000 messages in 1,000 conversations, for somebody in 200 of them, beside a plain scan of the 200 histories',
    sides: sides(),
  },
];

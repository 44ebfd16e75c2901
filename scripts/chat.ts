/**
 * The operators' and analysts' command line: `npm run chat -- <command>`. Reads logs, shows lag and parked streams, rebuilds and proves
 * views. Owns no logic of its own: what it does is in src. Prints plain lines for people and JSON with --json; what goes wrong is said
 * in one line, and the process ends with 1.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { ulid } from 'ulid';
import { events, checks, guards, projections } from '../src/chat/index.ts';
import { readSettings } from '../src/config.ts';
import { eventDecoder, isUlid, parseEventId, START } from '../src/envelope.ts';
import { conversationStream, userStream } from '../src/keys.ts';
import type { StreamRef } from '../src/keys.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import { Log, seqOf } from '../src/log/log.ts';
import { rebuild } from '../src/projector/rebuild.ts';
import { lineOf, verify } from '../src/projector/verify.ts';
import { viewName } from '../src/views/projection.ts';
import { Views } from '../src/views/store.ts';
import { addAdmins } from './chat-admin.ts';
import { addFiles } from './chat-files.ts';
import { addGroups } from './chat-groups.ts';
import { addRules } from './chat-rules.ts';

const GROUP = 'views';
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What the person who typed the command can put right. */
class UsageError extends Error {}

/** Waits for whoever reads, so that a long replay into a slow pipe does not gather here. */
async function printAll(lines: readonly string[]): Promise<void> {
  if (lines.length > 0 && !process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain');
}

/** A line that is written over, for a person who waits. */
function showProgress(done: number, of: number): void {
  if (!process.stderr.isTTY || (done < of && done % 100 !== 0)) return;
  const bar = '#'.repeat(Math.round((done / of) * 30)).padEnd(30);
  process.stderr.write(`\r[${bar}] ${done} of ${of} logs${done === of ? '\n' : ''}`);
}

async function openLog(): Promise<Log> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { REDIS_URL, REDIS_CLUSTER_NODES, DATA_DIR, PARTITIONS } = readSettings();
  const redis =
    REDIS_CLUSTER_NODES.length > 0
      ? { clusterNodes: REDIS_CLUSTER_NODES }
      : { url: REDIS_URL || (await embeddedUrl(DATA_DIR)) };
  const warn = (message: string) => process.stderr.write(`${message}\n`);
  return Log.open({
    redis,
    partitions: PARTITIONS,
    replicationAcks: 0,
    newSalt: () => randomBytes(8).toString('hex'),
    warn,
  });
}

/** The private Redis of a server that runs on this data folder. */
async function embeddedUrl(dataDir: string): Promise<string> {
  try {
    const read = async (name: string) => (await readFile(join(dataDir, 'redis', name), 'utf8')).trim();
    const [, port] = /^port (\d+)$/m.exec(await read('redis.conf')) ?? [];
    return `redis://:${await read('password')}@127.0.0.1:${port}`;
  } catch {
    throw new UsageError(`No server has used ${dataDir} yet: start one, or set REDIS_URL or REDIS_CLUSTER_NODES`);
  }
}

async function withLog(task: (log: Log) => Promise<void>): Promise<void> {
  const log = await openLog();
  try {
    await task(log);
  } finally {
    log.close();
  }
}

const foldOptions = (log: Log) => ({
  log,
  views: new Views(log),
  projections,
  decode: eventDecoder(events),
});

interface Lag {
  projector: string;
  partition: number;
  lag: number;
}

/** Our own subtraction: feed head less checkpoint. What Redis calls lag is wrong after a trim. */
async function lags(log: Log): Promise<Lag[]> {
  const rows: Lag[] = [];
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    const { checkpoints, head } = await log.progress(partition);
    for (const [projector, at] of Object.entries(checkpoints))
      rows.push({ projector, partition, lag: seqOf(head) - seqOf(at) });
  }
  return rows;
}

/** The stream of a conversation or a user that there is. */
async function existing(log: Log, stream: StreamRef): Promise<StreamRef> {
  if (!isUlid(stream.id)) throw new UsageError(`${stream.id} is not the id of a ${stream.kind}: ids are ULIDs`);
  const [head] = await log.heads([stream], []);
  if (!head) throw new UsageError(`there is no ${stream.kind} ${stream.id}`);
  return stream;
}

interface ReplayOptions {
  conversation?: string;
  user?: string;
  all?: boolean;
  after: string;
  types?: string;
}

async function streamsOf(log: Log, { conversation, user, all, after }: ReplayOptions): Promise<StreamRef[]> {
  const named = [
    ...(conversation === undefined ? [] : [conversationStream(conversation)]),
    ...(user === undefined ? [] : [userStream(user)]),
  ];
  if (named.length + (all ? 1 : 0) !== 1) throw new UsageError('name one of --conversation, --user and --all');
  if (all && after !== START) throw new UsageError('--after is an event of one stream: name the stream');
  return Promise.all(named.map((stream) => existing(log, stream)));
}

/** A conversation that was named, or all of them. */
async function conversationsOf(log: Log, options: { conversation?: string; all?: boolean }): Promise<StreamRef[]> {
  const named = await streamsOf(log, { ...options, after: START });
  if (named.length > 0) return named;
  const all: StreamRef[] = [];
  for await (const stream of log.streams()) if (stream.kind === 'conversation') all.push(stream);
  return all;
}

function typesOf(list: string | undefined): Set<string> | undefined {
  const types = list?.split(',').map((type) => type.trim());
  const strange = types?.find((type) => !events.some((event) => event.type === type));
  if (strange === undefined) return types && new Set(types);
  throw new UsageError(`no event is called ${strange}: ${events.map((event) => event.type).join(', ')}`);
}

const program = new Command('chat').description('Rill for operators and analysts').showHelpAfterError();

program
  .command('replay')
  .description('prints events as JSON lines, in order')
  .option('--conversation <id>', 'of one conversation')
  .option('--user <id>', 'of one user')
  .option('--all', 'of every stream')
  .option('--after <event id>', 'after this event of the stream', START)
  .option('--types <list>', 'only these event types, separated by commas')
  .action((options: ReplayOptions) =>
    withLog(async (log) => {
      if (!parseEventId(options.after)) throw new UsageError(`${options.after} is not an event id`);
      const types = typesOf(options.types);
      const named = await streamsOf(log, options);
      for await (const stream of named.length > 0 ? named : log.streams()) {
        for await (const page of log.readAll(stream, options.after)) {
          await printAll(page.filter(({ type }) => !types || types.has(type)).map(({ json }) => json.toString()));
        }
      }
    }),
  );

program
  .command('inspect <kind> <id>')
  .description('shows the guard state and the last events of a conversation or user')
  .action((kind: string, id: string) =>
    withLog(async (log) => {
      if (kind !== 'conversation' && kind !== 'user') throw new UsageError('inspect conversation ID, or user ID');
      const stream = await existing(log, { kind, id });
      print(`log        ${log.keys.of(stream, 'log')}`);
      for (const [field, value] of Object.entries(await log.guardAll(stream, 'head')))
        print(`head       ${field} ${value}`);
      const more = kind === 'conversation' ? 'members' : 'conversations';
      for (const [field, value] of Object.entries(await log.guardAll(stream, more)))
        print(`${more.padEnd(10)} ${field} ${value}`);
      for (const event of (await log.readBefore(stream, '+', 10)).toReversed()) print(event.json.toString());
    }),
  );

program
  .command('lag')
  .description('how many events each projector is behind, by partition')
  .option('--json', 'as JSON')
  .action((options: { json?: boolean }) =>
    withLog(async (log) => {
      const rows = await lags(log);
      if (options.json) return print(JSON.stringify(rows));
      for (const { projector, partition, lag } of rows)
        if (lag > 0) print(`${projector} partition ${partition}: ${lag} behind`);
      print(`${rows.reduce((sum, row) => sum + row.lag, 0)} events behind in all`);
    }),
  );

program
  .command('parked')
  .description('streams that stand still in a view, and why')
  .option('--json', 'as JSON')
  .action((options: { json?: boolean }) =>
    withLog(async (log) => {
      const group = new ConsumerGroup(log, GROUP, 'operator');
      const rows: { partition: number; lane: string; why: unknown }[] = [];
      for (let partition = 0; partition < log.keys.partitions; partition += 1) {
        for (const [lane, why] of Object.entries(await group.parked(partition))) {
          rows.push({ partition, lane, why: JSON.parse(why) });
        }
      }
      if (options.json) return print(JSON.stringify(rows));
      for (const { partition, lane, why } of rows) print(`partition ${partition} ${lane} ${JSON.stringify(why)}`);
      print(`${rows.length} parked`);
    }),
  );

program
  .command('rebuild')
  .description('makes views again from the logs; reads stay right meanwhile')
  .option('--view <name>', `one of ${projections.map((p) => p.name).join(', ')}`)
  .option('--all', 'all of them')
  .action((options: { view?: string; all?: boolean }) =>
    withLog(async (log) => {
      const chosen = options.all
        ? projections
        : projections.filter((p) => p.name === options.view || viewName(p) === options.view);
      if (chosen.length === 0) throw new UsageError('name a --view that exists, or --all');
      const began = Date.now();
      const run = { groupName: GROUP, worker: ulid(), onProgress: showProgress };
      const count = await rebuild({ ...foldOptions(log), projections: chosen, ...run });
      const seconds = (Date.now() - began) / 1_000;
      print(`${chosen.map((p) => p.name).join(', ')}: ${count} events in ${seconds.toFixed(1)} s`);
    }),
  );

program
  .command('verify')
  .description('folds every log from its start, compares views, guard state and feeds with it, checks every chain')
  .option('--json', 'as JSON')
  .action((options: { json?: boolean }) =>
    withLog(async (log) => {
      const {
        streams,
        events: count,
        differences,
      } = await verify({ ...foldOptions(log), guards, checks, onProgress: showProgress });
      if (options.json) print(JSON.stringify({ streams, events: count, differences }));
      else {
        for (const difference of differences) print(lineOf(difference));
        const found = differences.length === 1 ? '1 difference' : `${differences.length} differences`;
        print(`${streams} logs, ${count} events, ${found}`);
      }
      if (differences.length > 0) process.exitCode = 1;
    }),
  );

addFiles(program, { withLog, print });

addGroups(program, { withLog, print });
addAdmins(program, { withLog, print });
addRules(program, { withLog, print, conversations: conversationsOf, onProgress: showProgress });

// Whoever reads may have seen enough: `replay --all | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

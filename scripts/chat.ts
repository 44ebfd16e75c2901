/**
 * The operators' and analysts' command line: `npm run chat -- <command>`. Reads logs, shows lag and parked streams, rebuilds and proves
 * views. Owns no logic of its own: what it does is in src. Prints plain lines for people and JSON with --json.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { ulid } from 'ulid';
import { events, projections } from '../src/chat/index.ts';
import { ConfigError, readConfig } from '../src/config.ts';
import { eventDecoder, START } from '../src/envelope.ts';
import { conversationStream, userStream } from '../src/keys.ts';
import type { StreamRef } from '../src/keys.ts';
import { FeedGroup } from '../src/log/feed.ts';
import { Log, seqOf } from '../src/log/log.ts';
import { rebuild, verify } from '../src/projector/rebuild.ts';
import { viewName } from '../src/views/projection.ts';
import { Views } from '../src/views/store.ts';

const GROUP = 'views';
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function openLog(): Promise<Log> {
  const config = readConfig();
  const { REDIS_URL, REDIS_CLUSTER_NODES, DATA_DIR, PARTITIONS } = config;
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
    throw new ConfigError(`No server has used ${dataDir} yet: start one, or set REDIS_URL or REDIS_CLUSTER_NODES`);
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

function streamOf(options: { conversation?: string; user?: string }): StreamRef | undefined {
  if (options.conversation) return conversationStream(options.conversation);
  return options.user ? userStream(options.user) : undefined;
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
  .action((options: { conversation?: string; user?: string; all?: boolean; after: string; types?: string }) =>
    withLog(async (log) => {
      const one = streamOf(options);
      if (!one && !options.all) throw new ConfigError('name a --conversation, a --user or --all');
      const types = options.types?.split(',');
      for await (const stream of one ? [one] : log.streams()) {
        for await (const page of log.readAll(stream, options.after)) {
          for (const event of page) if (!types || types.includes(event.type)) print(event.json.toString());
        }
      }
    }),
  );

program
  .command('inspect <kind> <id>')
  .description('shows the guard state and the last events of a conversation or user')
  .action((kind: string, id: string) =>
    withLog(async (log) => {
      if (kind !== 'conversation' && kind !== 'user') throw new ConfigError('inspect conversation ID or user ID');
      const stream: StreamRef = { kind, id };
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
      const group = new FeedGroup(log, GROUP, 'operator');
      const rows: { partition: number; place: string; why: unknown }[] = [];
      for (let partition = 0; partition < log.keys.partitions; partition += 1) {
        for (const [place, why] of Object.entries(await group.parked(partition))) {
          rows.push({ partition, place, why: JSON.parse(why) });
        }
      }
      if (options.json) return print(JSON.stringify(rows));
      for (const { partition, place, why } of rows) print(`partition ${partition} ${place} ${JSON.stringify(why)}`);
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
      if (chosen.length === 0) throw new ConfigError('name a --view that exists, or --all');
      const began = Date.now();
      const count = await rebuild({ ...foldOptions(log), projections: chosen, groupName: GROUP, worker: ulid() });
      const seconds = (Date.now() - began) / 1_000;
      print(`${chosen.map((p) => p.name).join(', ')}: ${count} events in ${seconds.toFixed(1)} s`);
    }),
  );

program
  .command('verify')
  .description('folds every log from its start, compares with the views, checks every chain')
  .option('--json', 'as JSON')
  .action((options: { json?: boolean }) =>
    withLog(async (log) => {
      const { streams, events: count, differences } = await verify(foldOptions(log));
      if (options.json) print(JSON.stringify({ streams, events: count, differences }));
      else {
        for (const { stream, view, reason } of differences) print(`${view} of ${stream.kind} ${stream.id}: ${reason}`);
        print(`${streams} logs, ${count} events, ${differences.length} differences`);
      }
      if (differences.length > 0) process.exitCode = 1;
    }),
  );

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

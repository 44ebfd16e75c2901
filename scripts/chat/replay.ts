/** `chat replay`: events as JSON lines, in the order of each stream, to the terminal or into a file that can be gone on with. */
import type { Command } from 'commander';
import { idBeforeMs, START } from '../../src/envelope.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import type { CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { checkEventId, momentOf } from './typed.ts';
import { counted } from './printing.ts';
import { usage } from './problem.ts';
import { rateOf } from './progress.ts';
import { openReplayFile } from './replay-file.ts';
import type { Place, ReplayFile } from './replay-file.ts';
import { checkPartition, existing, typesOf } from './streams.ts';

interface Options {
  readonly conversation?: string;
  readonly user?: string;
  readonly partition?: string;
  readonly all?: boolean;
  readonly after?: string;
  readonly since?: string;
  readonly types?: string;
  readonly to?: string;
  readonly resume?: boolean;
}

const PAGE = 1_000;
/** Logs that are read ahead while another is printed. */
const AHEAD = 16;

export function addReplay(program: Command, line: CommandLine): void {
  program
    .command('replay')
    .description('prints events as JSON lines, stream by stream, each in its order')
    .option('--conversation <id>', 'of one conversation')
    .option('--user <id>', 'of one user')
    .option('--partition <number>', 'of every stream of one partition')
    .option('--all', 'of every stream')
    .option('--after <event id>', 'after this event of the stream')
    .option('--since <time>', 'what happened since: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago')
    .option('--types <list>', 'only these event types, separated by commas')
    .option('--to <file>', 'into this file')
    .option('--resume', 'go on behind what the file has already')
    .addHelpText(
      'after',
      examples(
        'replay --conversation 01JD… --after 1763650000000-42',
        'replay --all --since 7d --types message.sent | wc -l',
        'replay --all --to events.ndjson --resume',
      ),
    )
    .action((options: Options) =>
      line.withLog(async (log) => {
        const types = typesOf(options.types);
        const after = startOf(options);
        const streams = await streamsOf(log, options);
        const file = await fileOf(options);
        try {
          await replayTo(line, { log, streams, after, types, file });
        } finally {
          await file?.close();
        }
      }),
    );
}

interface Replay {
  readonly log: Log;
  readonly streams: readonly StreamRef[];
  readonly after: string;
  readonly types: ReadonlySet<string> | undefined;
  readonly file: ReplayFile | undefined;
}

async function replayTo(line: CommandLine, { log, streams, after, types, file }: Replay): Promise<void> {
  const progress = line.progress('events');
  const left = file?.last ? behind(streams, file.last, after) : streams.map((stream) => ({ stream, after }));
  let count = 0;
  for await (const page of pagesOf(log, left)) {
    if (line.terminal.stopped.aborted) break;
    const chosen = types ? page.filter(({ type }) => types.has(type)) : page;
    count += chosen.length;
    const text = chosen.map(({ json }) => `${json.toString()}\n`).join('');
    await (file ? file.write(text) : line.print(text));
    progress.at(count);
  }
  const ms = progress.end();
  if (file) await line.print(`${counted(count, 'event')} into ${file.name}, ${rateOf(count, ms)} events/s\n`);
}

interface From {
  readonly stream: StreamRef;
  readonly after: string;
}

/** Pages in the order of the streams; the first pages of the next ones are on their way meanwhile. */
async function* pagesOf(log: Log, streams: readonly From[]) {
  const read = ({ stream, after }: From) => {
    const page = log.readAfter(stream, after, PAGE);
    // What goes wrong ahead is told when it is come to, and nobody waits for it until then.
    page.catch(() => {});
    return page;
  };
  const ahead = streams.slice(0, AHEAD).map(read);
  for (const [i, { stream }] of streams.entries()) {
    const page = await ahead.shift()!;
    const next = streams[i + AHEAD];
    if (next) ahead.push(read(next));
    if (page.length > 0) yield page;
    if (page.length === PAGE) yield* log.readAll(stream, page.at(-1)!.id, PAGE);
  }
}

function startOf({ after, since, all, partition }: Options): string {
  if (after !== undefined && since !== undefined) throw usage('name one of --after and --since');
  if (after !== undefined && (all || partition !== undefined))
    throw usage('--after is an event of one stream: name the stream, or use --since');
  if (after !== undefined) return checkEventId(after);
  return since === undefined ? START : idBeforeMs(momentOf(since, Date.now()));
}

/** In an order that is the same at every run, so that a file can be gone on with. */
async function streamsOf(log: Log, { conversation, user, partition, all }: Options): Promise<StreamRef[]> {
  const ways = [conversation, user, partition, all].filter((way) => way !== undefined);
  if (ways.length !== 1) throw usage('name one of --conversation, --user, --partition and --all');
  if (conversation !== undefined) return [await existing(log, conversationStream(conversation))];
  if (user !== undefined) return [await existing(log, userStream(user))];
  const number =
    partition === undefined ? undefined : checkPartition(log, /^\d+$/.test(partition) ? Number(partition) : NaN);
  const found: StreamRef[] = [];
  for await (const stream of log.streams(number)) found.push(stream);
  return found.toSorted((a, b) => compare(nameOf(a), nameOf(b)));
}

async function fileOf({ to, resume }: Options): Promise<ReplayFile | undefined> {
  if (to === undefined) {
    if (resume) throw usage('--resume goes on with a file: name it, --to FILE');
    return undefined;
  }
  return openReplayFile(to, resume ? 'resumed' : 'new');
}

/** What comes behind the last event of a file. */
function behind(streams: readonly StreamRef[], last: Place, after: string): From[] {
  return streams.flatMap((stream) => {
    const order = compare(nameOf(stream), nameOf(last.stream));
    if (order < 0) return [];
    return [{ stream, after: order === 0 ? last.id : after }];
  });
}

const nameOf = ({ kind, id }: StreamRef): string => `${kind} ${id}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `chat archive`: brings the old ends of conversations' logs from Redis to the archive now, or says what would go. */
import type { Command } from 'commander';
import { archiveFilesOf } from '../../src/files/file-store.ts';
import type { StreamRef } from '../../src/keys.ts';
import { messageIdOf } from '../../src/chat/messages/guard.ts';
import { wouldSeal } from '../../src/log/archive/sealing.ts';
import type { Sealed } from '../../src/log/archive/sealing.ts';
import { archive } from '../../src/projector/archiving.ts';
import { examples } from './command-line.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { foldOptions } from './folding.ts';
import { bytes, counted, table } from './printing.ts';
import { rateOf } from './progress.ts';
import { usage } from './problem.ts';
import { conversationsOf } from './streams.ts';

interface Options extends AsJson {
  readonly conversation?: string;
  readonly dryRun?: boolean;
  readonly afterDays?: string;
}

/** What went of one conversation, or would go, and why not where it cannot. */
interface Row {
  readonly conversation_id: string;
  readonly events: number;
  readonly bytes: number;
  readonly segments: number;
  readonly file_bytes: number;
  readonly problem?: string;
}

const DAY_MS = 86_400_000;

export function addArchive(program: Command, line: CommandLine): void {
  program
    .command('archive')
    .description('brings what is old of conversations from Redis to the archive; reads go on as before')
    .option('--conversation <id>', 'this one alone')
    .option('--after-days <days>', 'what is older than this goes: ARCHIVE_AFTER_DAYS when not given')
    .option('--dry-run', 'says what would go, and changes nothing')
    .option('--json', 'as JSON: {dry_run, events, bytes, file_bytes, conversations}')
    .addHelpText('after', examples('archive --dry-run --after-days 90', 'archive --conversation 01JD… --after-days 30'))
    .action((options: Options) =>
      line.withLog(async (log) => {
        const days = Number(options.afterDays ?? line.settings.ARCHIVE_AFTER_DAYS);
        if (!(days > 0)) throw usage('name --after-days, a number above 0: ARCHIVE_AFTER_DAYS is not set');
        const files = archiveFilesOf(line.settings);
        const seal = { ...foldOptions(log), files, messageIdOf, before: Date.now() - days * DAY_MS };
        await seal.views.refresh();
        const { conversation } = options;
        const streams = await conversationsOf(log, conversation === undefined ? { all: true } : { conversation });
        const progress = line.progress('conversations');
        const rows: Row[] = [];
        for (const [done, stream] of streams.entries()) {
          if (line.terminal.stopped.aborted) break;
          const row = await rowOf(stream, options.dryRun ? wouldSeal(seal, stream) : archive(seal, stream));
          if (row.events > 0 || row.problem !== undefined) rows.push(row);
          progress.at(done + 1, streams.length);
        }
        const ms = progress.end();
        if (rows.some(({ problem }) => problem !== undefined)) line.foundProblem();
        await line.show(options, shownOf(rows, options.dryRun === true, ms));
      }),
    );
}

async function rowOf(stream: StreamRef, segments: AsyncIterable<Sealed>): Promise<Row> {
  const row = { conversation_id: stream.id, events: 0, bytes: 0, segments: 0, file_bytes: 0 };
  try {
    for await (const { events, bytes: size, packed } of segments) {
      row.events += events;
      row.bytes += size;
      row.segments += events > 0 ? 1 : 0;
      row.file_bytes += packed;
    }
    return row;
  } catch (error) {
    return { ...row, problem: (error as Error).message };
  }
}

function shownOf(rows: readonly Row[], isDry: boolean, ms: number) {
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  const [events, size, files] = [sum((row) => row.events), sum((row) => row.bytes), sum((row) => row.file_bytes)];
  const lines = rows.map((row) => [
    row.conversation_id,
    row.events,
    bytes(row.bytes),
    row.segments,
    bytes(row.file_bytes),
    row.problem,
  ]);
  const what = `${counted(events, 'event')} of ${counted(rows.length, 'conversation')}, ${bytes(size)} of Redis`;
  const done = isDry
    ? `${what}, would go`
    : `${what}, went into ${bytes(files)} of files: ${rateOf(events, ms)} events/s`;
  return {
    json: { dry_run: isDry, events, bytes: size, file_bytes: files, conversations: rows },
    text: `${table(['conversation', 'events', 'bytes', 'segments', 'files', 'problem'], lines)}${done}\n`,
  };
}

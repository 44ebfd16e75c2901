/** `chat stats`: what happened by type and hour, the largest conversations, and what Redis holds. */
import type { Command } from 'commander';
import { bytesByKind, eventCounts, largestConversations } from '../../src/log/statistics.ts';
import type { EventCounts, KindOfKey } from '../../src/log/statistics.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { bytes, counted, sparkline, table, time } from './printing.ts';
import { numberOf } from './typed.ts';

interface Options extends AsJson {
  readonly hours: string;
  readonly top: string;
  readonly bytes: boolean;
}

const MOST_KINDS = 20;
const MOST_HOURS = 24 * 31;

export function addStats(program: Command, line: CommandLine): void {
  program
    .command('stats')
    .description('what happened by type and hour, the largest conversations, and the bytes of each kind of key')
    .option('--hours <count>', 'look so many hours back', '24')
    .option('--top <count>', 'so many of the largest conversations', '10')
    .option('--no-bytes', 'leave the bytes out: they are asked of every key')
    .option('--json', 'as JSON: {hours, types, largest, kinds}')
    .addHelpText('after', examples('stats', 'stats --hours 168 --no-bytes', 'stats --json'))
    .action((options: Options) =>
      line.withLog(async (log) => {
        const hours = numberOf(options.hours, '--hours', MOST_HOURS);
        const top = numberOf(options.top, '--top', 1_000);
        const logs = line.progress('logs');
        const counts = await eventCounts(log, { now: Date.now(), hours }, (done) => logs.at(done));
        logs.end();
        const largest = await largestConversations(log, top);
        const keys = line.progress('keys');
        const kinds = options.bytes ? await bytesByKind(log, (done) => keys.at(done)) : [];
        keys.end();
        await line.show(options, {
          json: {
            hours: counts.hours.map(time),
            types: Object.fromEntries(counts.types),
            largest: largest.map(({ stream, ...size }) => ({ conversation_id: stream.id, ...size })),
            kinds,
          },
          text: [
            eventTable(counts),
            table(
              ['conversation', 'messages', 'events', 'members'],
              largest.map(({ stream, messages, events, members }) => [stream.id, messages, events, members]),
            ),
            kindTable(kinds),
          ]
            .filter(Boolean)
            .join('\n'),
        });
      }),
    );
}

function eventTable({ hours, types }: EventCounts): string {
  const rows = [...types]
    .map(([type, counts]) => ({ type, counts, sum: counts.reduce((a, b) => a + b, 0) }))
    .toSorted((a, b) => b.sum - a.sum);
  const all = hours.map((_, i) => rows.reduce((sum, { counts }) => sum + counts[i]!, 0));
  const sum = all.reduce((a, b) => a + b, 0);
  const shown = table(
    ['event', 'count', `each of ${counted(hours.length, 'hour')}`],
    [...rows.map((row) => [row.type, row.sum, sparkline(row.counts)]), ['all', sum, sparkline(all)]],
  );
  return `${shown}from ${time(hours[0]!)}\n`;
}

/** The largest kinds, and all others as one. */
function kindTable(kinds: readonly KindOfKey[]): string {
  const sum = (some: readonly KindOfKey[], kind: string): KindOfKey => ({
    kind,
    keys: some.reduce((count, { keys }) => count + keys, 0),
    bytes: some.reduce((count, each) => count + each.bytes, 0),
  });
  const [shown, rest] = [kinds.slice(0, MOST_KINDS), kinds.slice(MOST_KINDS)];
  const all = sum(kinds, 'all');
  const rows = [...shown, ...(rest.length > 0 ? [sum(rest, `${rest.length} more kinds`)] : []), all];
  return table(
    ['kind of key', 'keys', 'bytes', 'a key', 'share'],
    kinds.length === 0
      ? []
      : rows.map((row) => [
          row.kind,
          row.keys,
          bytes(row.bytes),
          bytes(row.bytes / row.keys),
          `${((100 * row.bytes) / all.bytes).toFixed(1)} %`,
        ]),
  );
}

/** `chat stats`: what happened by type and hour, the largest conversations, and what Redis holds. */
import type { Command } from 'commander';
import { bytesByKind, eventCounts, largestConversations } from '../../src/log/statistics.ts';
import type { EventCounts } from '../../src/log/statistics.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { bytes, counted, sparkline, table, time } from './printing.ts';
import { usage } from './problem.ts';

interface Options extends AsJson {
  readonly hours: string;
  readonly top: string;
  readonly bytes: boolean;
}

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
        const all = kinds.reduce((sum, kind) => sum + kind.bytes, 0);
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
            table(
              ['kind of key', 'keys', 'bytes', 'a key', 'share'],
              kinds.map((kind) => [
                kind.kind,
                kind.keys,
                bytes(kind.bytes),
                bytes(kind.bytes / kind.keys),
                `${((100 * kind.bytes) / all).toFixed(1)} %`,
              ]),
            ),
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

function numberOf(text: string, name: string, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number > 0 && number <= most) return number;
  throw usage(`${name} must be a number from 1 to ${most}`);
}

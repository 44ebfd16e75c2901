/** `chat tail`: events as they happen, until it is stopped. */
import type { Command } from 'commander';
import { actorOf, eventId } from '../../src/envelope.ts';
import type { RawEvent } from '../../src/envelope.ts';
import { Tail } from '../../src/log/tail.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { usage } from './problem.ts';
import { shortened, time } from './printing.ts';
import { existing, typesOf } from './streams.ts';
import { numberOf } from './typed.ts';

interface Options extends AsJson {
  readonly conversation?: string;
  readonly user?: string;
  readonly actor?: string;
  readonly types?: string;
  readonly limit?: string;
}

const MOST_OF_A_LINE = 120;
/** A reader that is slower than this many events is told so, and gets what comes from then on. */
const MOST_WAITING = 10_000;

export function addTail(program: Command, line: CommandLine): void {
  program
    .command('tail')
    .description('prints events as they happen, until Ctrl-C')
    .option('--conversation <id>', 'only of this conversation')
    .option('--user <id>', "only of this user's own stream")
    .option('--actor <id>', 'only what this user does')
    .option('--types <list>', 'only these event types, separated by commas')
    .option('--limit <count>', 'end after so many')
    .option('--json', 'the events themselves, one JSON line each')
    .addHelpText('after', examples('tail', 'tail --types message.sent --json', 'tail --actor 01JD… --limit 10'))
    .action((options: Options) =>
      line.withLog(async (log) => {
        const { conversation, user, actor } = options;
        if (conversation !== undefined && user !== undefined) throw usage('name one of --conversation and --user');
        const id = conversation ?? user;
        if (id !== undefined) await existing(log, { kind: conversation === undefined ? 'user' : 'conversation', id });
        const types = typesOf(options.types);
        const limit = options.limit === undefined ? Infinity : numberOf(options.limit, '--limit');
        const fits = (event: RawEvent) =>
          (id === undefined || event.stream.id === id) &&
          (types === undefined || types.has(event.type)) &&
          (actor === undefined || actorOf(event) === actor);
        await follow(line, { fits, limit, show: options.json ? jsonOf : lineOf }, (onEvents, onLost) => {
          const warn = (message: string) => line.terminal.tell(`${message}\n`);
          return new Tail({ log, onEvents, onLost, warn });
        });
      }),
    );
}

interface Wanted {
  readonly fits: (event: RawEvent) => boolean;
  readonly limit: number;
  readonly show: (event: RawEvent) => string;
}

type MakeTail = (onEvents: (events: readonly RawEvent[]) => void, onLost: (p: number) => Promise<void>) => Tail;

/** Prints in order and at the reader's pace, until the limit or the end. */
async function follow(line: CommandLine, { fits, limit, show }: Wanted, make: MakeTail): Promise<void> {
  const { terminal } = line;
  const waiting: RawEvent[] = [];
  let [left, missed] = [limit, 0];
  let wake = () => {};
  const take = (events: readonly RawEvent[]) => {
    const mine = events.filter(fits);
    const room = MOST_WAITING - waiting.length;
    waiting.push(...mine.slice(0, room));
    missed += Math.max(0, mine.length - room);
    wake();
  };
  const tail = make(take, async (partition) => {
    terminal.tell(`partition ${partition}: some events were missed, \`chat replay\` has them\n`);
  });
  terminal.stopped.addEventListener('abort', () => wake());
  await tail.start();
  try {
    while (left > 0 && !terminal.stopped.aborted) {
      const next = waiting.splice(0, Math.min(left, 500));
      left -= next.length;
      if (next.length > 0) await line.print(next.map((event) => `${show(event)}\n`).join(''));
      else if (missed > 0) {
        terminal.tell(`${missed} events came faster than they were read: \`chat replay\` has them\n`);
        missed = 0;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    await tail.stop();
  }
}

const jsonOf = ({ json }: RawEvent): string => json.toString();

/** `time stream id type by whom: data` */
export function lineOf(event: RawEvent): string {
  const { stream, id, type } = event;
  return `${time(eventId(id).ms)}  ${stream.kind} ${stream.id}  ${id}  ${type}  by ${actorOf(event)}  ${shortened(dataOf(event), MOST_OF_A_LINE)}`;
}

export function dataOf({ json }: RawEvent): string {
  const text = json.toString();
  const at = text.indexOf(',"data":');
  return at < 0 ? '' : text.slice(at + ',"data":'.length, -1);
}

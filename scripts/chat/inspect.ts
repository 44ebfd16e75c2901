/** `chat inspect conversation|user|message ID`: everything that there is to know of one of them, in one call. */
import type { Command } from 'commander';
import { isUlid, parseEventId } from '../../src/envelope.ts';
import type { EventId } from '../../src/envelope.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { findMessage, inspectMessage } from './inspect/message.ts';
import { inspectStream, inspectThen } from './inspect/stream.ts';
import { momentOf } from './typed.ts';
import { time } from './printing.ts';
import { usage } from './problem.ts';
import { existing } from './streams.ts';

interface Options extends AsJson {
  readonly asOf?: string;
  readonly conversation?: string;
}

export function addInspect(program: Command, line: CommandLine): void {
  program
    .command('inspect <kind> <id>')
    .description('shows a conversation, a user or a message: where did it go, and where does it hang')
    .option('--as-of <event id or time>', 'as it was then: an event id, 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago')
    .option('--conversation <id>', 'where the message is, which is quicker than to look for it')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples('inspect message 01JD…', 'inspect conversation 01JD… --as-of 2h', 'inspect user 01JD… --json'),
    )
    .action((kind: string, id: string, options: Options) =>
      line.withLog(async (log) => {
        if (kind !== 'conversation' && kind !== 'user' && kind !== 'message')
          throw usage('inspect conversation ID, user ID, or message ID');
        if (!isUlid(id)) throw usage(`${id} is not the id of a ${kind}: ids are ULIDs`);
        const end = options.asOf === undefined ? undefined : endOf(options.asOf);
        if (kind === 'message') {
          const progress = line.progress('conversations');
          const place = await findMessage(log, id, { conversation: options.conversation, progress });
          progress.end();
          return line.show(options, await inspectMessage(log, id, place, end?.text));
        }
        const stream = await existing(log, { kind, id });
        return line.show(options, await (end ? inspectThen(log, stream, end.id) : inspectStream(log, stream)));
      }),
    );
}

/** An event id, or a time as reads take it. */
function endOf(text: string): { id: EventId; text: string } {
  const id = parseEventId(text);
  if (id) return { id, text };
  const ms = momentOf(text, Date.now());
  return { id: { ms, seq: Number.MAX_SAFE_INTEGER }, text: time(ms) };
}

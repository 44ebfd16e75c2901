/** `chat replay`: events as JSON lines, in order. */
import type { Command } from 'commander';
import { parseEventId, START } from '../../src/envelope.ts';
import type { CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { usage } from './problem.ts';
import { namedStreams, typesOf } from './streams.ts';
import type { Named } from './streams.ts';

interface Options extends Named {
  readonly after: string;
  readonly types?: string;
}

export function addReplay(program: Command, line: CommandLine): void {
  program
    .command('replay')
    .description('prints events as JSON lines, in order')
    .option('--conversation <id>', 'of one conversation')
    .option('--user <id>', 'of one user')
    .option('--all', 'of every stream')
    .option('--after <event id>', 'after this event of the stream', START)
    .option('--types <list>', 'only these event types, separated by commas')
    .addHelpText('after', examples('replay --all --types message.sent', 'replay --all | head'))
    .action((options: Options) =>
      line.withLog(async (log) => {
        if (!parseEventId(options.after)) throw usage(`${options.after} is not an event id`);
        const types = typesOf(options.types);
        const named = await namedStreams(log, options);
        if (options.all && options.after !== START) throw usage('--after is an event of one stream: name the stream');
        for await (const stream of named.length > 0 ? named : log.streams()) {
          for await (const page of log.readAll(stream, options.after)) {
            const chosen = page.filter(({ type }) => !types || types.has(type));
            await line.print(chosen.map(({ json }) => `${json.toString()}\n`).join(''));
          }
        }
      }),
    );
}

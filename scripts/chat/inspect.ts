/** `chat inspect conversation|user ID`: the guard state and the last events of one stream. */
import type { Command } from 'commander';
import type { CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { usage } from './problem.ts';
import { existing } from './streams.ts';

export function addInspect(program: Command, line: CommandLine): void {
  program
    .command('inspect <kind> <id>')
    .description('shows the guard state and the last events of a conversation or user')
    .addHelpText('after', examples('inspect conversation 01JD0000000000000000000000'))
    .action((kind: string, id: string) =>
      line.withLog(async (log) => {
        if (kind !== 'conversation' && kind !== 'user') throw usage('inspect conversation ID, or user ID');
        const stream = await existing(log, { kind, id });
        const lines = [`log        ${log.keys.of(stream, 'log')}`];
        for (const [field, value] of Object.entries(await log.guardAll(stream, 'head')))
          lines.push(`head       ${field} ${value}`);
        const more = kind === 'conversation' ? 'members' : 'conversations';
        for (const [field, value] of Object.entries(await log.guardAll(stream, more)))
          lines.push(`${more.padEnd(10)} ${field} ${value}`);
        const last = (await log.readBefore(stream, '+', 10)).toReversed();
        await line.print([...lines, ...last.map(({ json }) => json.toString()), ''].join('\n'));
      }),
    );
}

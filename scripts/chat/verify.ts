/** `chat verify`: the proof of an installation, with 1 where anything differs. */
import type { Command } from 'commander';
import { checks, guards } from '../../src/chat/index.ts';
import { lineOf, verify } from '../../src/projector/verify.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { foldOptions } from './folding.ts';
import { counted } from './printing.ts';
import { rateOf } from './progress.ts';

export function addVerify(program: Command, line: CommandLine): void {
  program
    .command('verify')
    .description('folds every log from its start, compares views, guard state and feeds with it, checks every chain')
    .option('--json', 'as JSON: {streams, events, differences}')
    .addHelpText('after', examples('verify', 'verify --json > verified.json'))
    .action((options: AsJson) =>
      line.withLog(async (log) => {
        const progress = line.progress('logs');
        const found = await verify({
          ...foldOptions(log),
          guards,
          checks,
          onProgress: (done, of) => progress.at(done, of),
        });
        const { streams, events, differences } = found;
        const sums = [counted(streams, 'log'), counted(events, 'event'), counted(differences.length, 'difference')];
        const lines = differences.map((difference) => `${lineOf(difference)}\n`);
        const rate = rateOf(events, progress.end());
        await line.show(options, {
          json: { streams, events, differences },
          text: `${lines.join('')}${sums.join(', ')}, ${rate} events/s\n`,
        });
        if (differences.length > 0) line.foundProblem();
      }),
    );
}

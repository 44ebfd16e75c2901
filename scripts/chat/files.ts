/** `chat files sweep`: takes away files that no attachment holds, after a Redis was restored from an older copy. */
import type { Command } from 'commander';
import { strayFiles } from '../../src/chat/attachments/sweeping.ts';
import { fileStoreOf } from '../../src/files/file-store.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { counted } from './printing.ts';

interface Options extends AsJson {
  readonly yes?: boolean;
}

export function addFiles(program: Command, line: CommandLine): void {
  program
    .command('files')
    .description('the files of attachments')
    .command('sweep')
    .description('names the files that no attachment holds; with --yes takes them away')
    .option('--yes', 'take them away')
    .option('--json', 'as JSON: {files, removed}')
    .addHelpText('after', examples('files sweep', 'files sweep --yes'))
    .action((options: Options) =>
      line.withLog(async (log) => {
        const store = fileStoreOf(line.settings);
        const found: string[] = [];
        for await (const key of strayFiles(log, store, Date.now())) {
          found.push(key);
          if (options.yes) await store.remove(key);
        }
        const done = options.yes ? 'taken away' : 'to be taken away with --yes';
        const names = found.map((key) => `${key}\n`).join('');
        await line.show(options, {
          json: { files: found, removed: options.yes === true },
          text: `${names}${counted(found.length, 'file')} ${done}\n`,
        });
      }),
    );
}

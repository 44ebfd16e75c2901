/** `chat files sweep`: takes away files that no attachment holds, after a Redis was restored from an older copy. */
import type { Command } from 'commander';
import { strayFiles } from '../src/chat/attachments/sweeping.ts';
import { readSettings } from '../src/config.ts';
import { fileStoreOf } from '../src/files/file-store.ts';
import type { Terminal } from './chat-groups.ts';

export function addFiles(program: Command, { withLog, print }: Terminal): void {
  program
    .command('files')
    .description('the files of attachments')
    .command('sweep')
    .description('names the files that no attachment holds; with --yes takes them away')
    .option('--yes', 'take them away')
    .action((options: { yes?: boolean }) =>
      withLog(async (log) => {
        const store = fileStoreOf(readSettings());
        let count = 0;
        for await (const key of strayFiles(log, store, Date.now())) {
          print(key);
          count += 1;
          if (options.yes) await store.remove(key);
        }
        const done = options.yes ? 'taken away' : 'to be taken away with --yes';
        print(`${count} ${count === 1 ? 'file' : 'files'} ${done}`);
      }),
    );
}

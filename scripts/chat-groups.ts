/** `chat groups list` and `chat groups remove NAME`: who follows the feeds, and forgetting one who does not any more. */
import type { Command } from 'commander';
import { groupStates, removeGroup } from '../src/log/groups.ts';
import type { Log } from '../src/log/log.ts';

export interface Terminal {
  readonly withLog: (task: (log: Log) => Promise<void>) => Promise<void>;
  readonly print: (line: string) => void;
}

export function addGroups(program: Command, { withLog, print }: Terminal): void {
  const groups = program.command('groups').description('the groups that follow the feeds');

  groups
    .command('list')
    .description('each group with its workers and how far it is behind; feeds are kept up to the slowest')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) =>
      withLog(async (log) => {
        const states = await groupStates(log);
        if (options.json) return print(JSON.stringify(states));
        for (const { name, ours, workers, lag } of states) {
          const who = ours ? `${workers === 1 ? '1 worker' : `${workers} workers`}` : "not the server's own";
          print(`${name}: ${who}, ${lag} behind`);
        }
      }),
    );

  groups
    .command('remove <name>')
    .description('forgets a group that nobody works for any more, so that the feeds no longer wait for it')
    .action((name: string) =>
      withLog(async (log) => {
        await removeGroup(log, name);
        print(`${name} is forgotten`);
      }),
    );
}

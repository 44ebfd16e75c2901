/** `chat admin grant NAME` and `chat admin revoke NAME`: who may read what is for admins only. */
import type { Command } from 'commander';
import { setAdmin } from '../src/chat/accounts/admins.ts';
import { fold } from '../src/chat/folding.ts';
import { readSettings } from '../src/config.ts';
import type { Terminal } from './chat-groups.ts';

export function addAdmins(program: Command, { withLog, print }: Terminal): void {
  const admin = program.command('admin').description('who is an admin of the whole server');

  admin
    .command('grant <name>')
    .description('makes a user an admin; running servers need no restart')
    .action((name: string) =>
      withLog(async (log) => {
        print(`${name} is ${(await setAdmin(log, name, 'granted')) ? 'an admin now' : 'an admin already'}`);
      }),
    );

  admin
    .command('revoke <name>')
    .description('takes that back; who is named in ADMIN_USERNAMES stays an admin')
    .action((name: string) =>
      withLog(async (log) => {
        const was = await setAdmin(log, name, 'revoked');
        const { ADMIN_USERNAMES } = readSettings();
        if (ADMIN_USERNAMES.some((named) => fold(named) === fold(name)))
          print(`${name} is named in ADMIN_USERNAMES, and so stays an admin`);
        else print(`${name} is ${was ? 'no admin any more' : 'no admin'}`);
      }),
    );
}

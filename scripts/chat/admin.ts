/** `chat admin grant NAME` and `chat admin revoke NAME`: who may read what is for admins only. */
import type { Command } from 'commander';
import { setAdmin } from '../../src/chat/accounts/admins.ts';
import { fold } from '../../src/chat/folding.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';

export function addAdmins(program: Command, line: CommandLine): void {
  const admin = program.command('admin').description('who is an admin of the whole server');

  admin
    .command('grant <name>')
    .description('makes a user an admin; running servers need no restart')
    .option('--json', 'as JSON: {name, admin, changed}')
    .addHelpText('after', examples('admin grant ada'))
    .action((name: string, options: AsJson) =>
      line.withLog(async (log) => {
        const changed = await setAdmin(log, name, 'granted');
        const text = `${name} is ${changed ? 'an admin now' : 'an admin already'}\n`;
        await line.show(options, { json: { name, admin: true, changed }, text });
      }),
    );

  admin
    .command('revoke <name>')
    .description('takes that back; who is named in ADMIN_USERNAMES stays an admin')
    .option('--json', 'as JSON: {name, admin, changed}')
    .addHelpText('after', examples('admin revoke ada'))
    .action((name: string, options: AsJson) =>
      line.withLog(async (log) => {
        const changed = await setAdmin(log, name, 'revoked');
        const stays = line.settings.ADMIN_USERNAMES.some((named) => fold(named) === fold(name));
        const text = stays
          ? `${name} is named in ADMIN_USERNAMES, and so stays an admin\n`
          : `${name} is ${changed ? 'no admin any more' : 'no admin'}\n`;
        await line.show(options, { json: { name, admin: stays, changed }, text });
      }),
    );
}

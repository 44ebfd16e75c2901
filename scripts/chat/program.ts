/**
 * The command line as a whole: its commands, and how each ends. 0 is all right, 1 what is not as it should be, 2 what was typed wrong. What
 * goes wrong is said in one line with its code, as JSON where the answer would have been JSON.
 */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../../src/version.ts';
import { addAdmins } from './admin.ts';
import { addArchive } from './archive.ts';
import { CommandLine } from './command-line.ts';
import type { AddCommand } from './command-line.ts';
import { addDoctor } from './doctor.ts';
import { addFiles } from './files.ts';
import { addGroups } from './groups.ts';
import { addInspect } from './inspect.ts';
import { addLag } from './lag.ts';
import { addParked } from './parked.ts';
import { EXIT, problemOf } from './problem.ts';
import { addRebuild } from './rebuild.ts';
import { addReplay } from './replay.ts';
import { addRules } from './rules.ts';
import { addStats } from './stats.ts';
import { addTail } from './tail.ts';
import type { Terminal } from './terminal.ts';
import { addVerify } from './verify.ts';

const COMMANDS: readonly AddCommand[] = [
  addInspect,
  addTail,
  addReplay,
  addLag,
  addParked,
  addGroups,
  addRebuild,
  addVerify,
  addStats,
  addDoctor,
  addFiles,
  addArchive,
  addAdmins,
  addRules,
];

/** Runs one command to its end and answers the exit code. */
export async function runChat(args: readonly string[], terminal: Terminal): Promise<number> {
  const line = new CommandLine(terminal);
  try {
    await programOf(line).parseAsync(args, { from: 'user' });
    return line.exitCode;
  } catch (error) {
    // Help and version end like this, too.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
    const { code, message } = problemOf(error);
    const isJson = args.includes('--json');
    terminal.tell(
      isJson ? `${JSON.stringify({ error: { code, detail: message } })}\n` : `chat: ${message} (${code})\n`,
    );
    return code === 'usage' ? EXIT.usage : EXIT.problem;
  }
}

function programOf(line: CommandLine): Command {
  const { terminal } = line;
  const program = new Command('chat')
    .description('Rill for operators and analysts')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.write(text),
      writeErr: (text) => terminal.tell(text),
      outputError: () => {},
    });
  for (const add of COMMANDS) add(program, line);
  return program;
}

/** What every command works with: the settings, the log, one way to show what it found, and one to say how far it is. */
import type { Command } from 'commander';
import { readSettings } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import type { Log } from '../../src/log/log.ts';
import { withLogAt, withRedis } from './connecting.ts';
import { EXIT } from './problem.ts';
import type { Shown } from './printing.ts';
import { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

export interface AsJson {
  readonly json?: boolean;
}

/** A command's file adds it to the program. */
export type AddCommand = (program: Command, line: CommandLine) => void;

export class CommandLine {
  readonly terminal: Terminal;
  /** What the process ends with. */
  exitCode = 0;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  get settings(): Config {
    return readSettings(this.terminal.environment);
  }

  withLog(task: (log: Log) => Promise<void>): Promise<void> {
    const { settings: config, terminal } = this;
    return withRedis(config, (redis) => withLogAt({ redis, config, terminal }, task));
  }

  print(text: string): Promise<void> {
    return text === '' ? Promise.resolve() : this.terminal.write(text);
  }

  /** The answer as it was asked for. */
  show({ json }: AsJson, shown: Shown): Promise<void> {
    return this.print(json ? `${JSON.stringify(shown.json)}\n` : shown.text);
  }

  progress(what: string): Progress {
    return new Progress(this.terminal, what);
  }

  /** The command did what it should, and what it found is not as it should be. */
  foundProblem(): void {
    this.exitCode = EXIT.problem;
  }
}

/** Text below a command's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ chat ${line}`).join('\n')}`;

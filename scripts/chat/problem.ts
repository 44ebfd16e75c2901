/** What a command refuses and why, with a code that stays: people read the text, scripts the code and the exit code. */
import { CommanderError } from 'commander';
import { ConfigError } from '../../src/config.ts';
import { ChatError } from '../../src/errors.ts';

/** 0 is all right. */
export const EXIT = { problem: 1, usage: 2 } as const;

export class Problem extends Error {
  /** Of the catalogue in `src/errors.ts`, or `usage`, `settings`, `no_data`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the person who typed the command can put right. */
export const usage = (message: string): Problem => new Problem('usage', message);

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ChatError) return new Problem(error.code, error.message);
  if (error instanceof CommanderError) return usage(error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '));
  if (error instanceof ConfigError) return new Problem('settings', error.message.replace(/\n/g, '; '));
  const { message } = error instanceof Error ? error : new Error(String(error));
  return new Problem('internal', message.replace(/\s*\n\s*/g, ' '));
}

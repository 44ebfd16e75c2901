/**
 * Log lines for operators: one JSON object a line, to stdout and if asked to a file of bounded size. Never tokens, never message text.
 * Refuses to be in anyone's way: who reads too slowly misses lines, and who has gone away ends nothing.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import winston from 'winston';
import { ConfigError } from './config.ts';

type Say = (message: string, fields?: Record<string, unknown>) => void;

export interface Logger {
  readonly error: Say;
  readonly warn: Say;
  readonly info: Say;
  /** Not there unless asked for: `debug?.(…)` then costs nothing, its arguments neither. */
  readonly debug?: Say | undefined;
}

export interface OpenLogger extends Logger {
  /** Resolves when what was said is written, or cannot be. */
  close(): Promise<void>;
}

/** Each says what those before it say, too. */
const LEVELS = ['error', 'warn', 'info', 'debug'];
const FILE_BYTES = 10 * 1024 * 1024;
/** Lines wait for a reader up to this many bytes, and for the disk up to this many lines. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const MAX_UNWRITTEN_LINES = 1_000;
const CLOSE_WITHIN_MS = 1_000;

/** Throws `ConfigError` for a LOG_FILE that cannot be written. */
export function createLogger({ LOG_LEVEL, LOG_FILE }: { LOG_LEVEL: string; LOG_FILE: string }): OpenLogger {
  const outputs = [winstonTo(LOG_LEVEL, stdout())];
  // Each has a logger of its own, since a transport that stands still holds back the others of its logger.
  if (LOG_FILE) outputs.push(winstonTo(LOG_LEVEL, file(LOG_FILE)));
  const isSaid = (level: string) => LEVELS.indexOf(level) <= LEVELS.indexOf(LOG_LEVEL);
  const say = (level: string): Say => {
    if (!isSaid(level)) return () => {};
    return (message, fields) => {
      for (const output of outputs) {
        if (output.writableLength < MAX_UNWRITTEN_LINES) output.log(level, message, fields);
      }
    };
  };
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: isSaid('debug') ? say('debug') : undefined,
    async close() {
      await Promise.all(outputs.map(ended));
    },
  };
}

/** A closed pipe is an `error` event, and one that nobody hears ends the process. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function winstonTo(level: string, transport: winston.transport): winston.Logger {
  const { combine, timestamp, json } = winston.format;
  const logger = winston.createLogger({ level, format: combine(timestamp(), json()), transports: [transport] });
  // A full disk, for one.
  logger.on('error', () => {});
  return logger;
}

function stdout(): winston.transport {
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _, done) {
      if (process.stdout.writableLength < MAX_UNREAD_BYTES) process.stdout.write(line);
      done();
    },
  });
  const { combine, printf, colorize } = winston.format;
  const forPeople = combine(
    colorize(),
    printf(({ level, message, timestamp: _at, ...fields }) => {
      const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
      return `${level}: ${String(message)}${rest}`;
    }),
  );
  return new winston.transports.Stream({ stream, ...(process.stdout.isTTY ? { format: forPeople } : {}) });
}

function file(filename: string): winston.transport {
  try {
    mkdirSync(dirname(filename), { recursive: true });
    closeSync(openSync(filename, 'a'));
  } catch (error) {
    throw new ConfigError(`LOG_FILE cannot be written: ${(error as Error).message}`);
  }
  return new winston.transports.File({ filename, maxsize: FILE_BYTES, maxFiles: 5, tailable: true });
}

async function ended(logger: winston.Logger): Promise<void> {
  const [transport] = logger.transports;
  const finished = new Promise((resolve) => transport?.once('finish', resolve));
  logger.end();
  await Promise.race([finished, sleep(CLOSE_WITHIN_MS, undefined, { ref: false })]);
}

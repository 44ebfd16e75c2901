/** Log lines for operators: one JSON object a line, to stdout and if asked to a file of bounded size. Never tokens, never message text. */
import winston from 'winston';

export interface Logger {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
}

const FILE_BYTES = 10 * 1024 * 1024;

export function createLogger({ LOG_LEVEL, LOG_FILE }: { LOG_LEVEL: string; LOG_FILE: string }): Logger {
  const { combine, timestamp, json, printf, colorize } = winston.format;
  const forPeople = combine(
    colorize(),
    printf(({ level, message, timestamp: _at, ...fields }) => {
      const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
      return `${level}: ${String(message)}${rest}`;
    }),
  );
  const transports: winston.transport[] = [
    new winston.transports.Console(process.stdout.isTTY ? { format: forPeople } : {}),
  ];
  if (LOG_FILE) {
    transports.push(
      new winston.transports.File({ filename: LOG_FILE, maxsize: FILE_BYTES, maxFiles: 5, tailable: true }),
    );
  }
  return winston.createLogger({ level: LOG_LEVEL, format: combine(timestamp(), json()), transports });
}

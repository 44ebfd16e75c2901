/** Moments, ids and numbers as people type them. A moment is an RFC 3339 time, or how long ago. */
import { parseEventId, parseTime } from '../../src/envelope.ts';
import { usage } from './problem.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Unix ms of `2026-01-31T12:00:00Z`, `90s`, `15m`, `2h` or `7d`. */
export function momentOf(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Math.max(0, now - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  const ms = parseTime(text);
  if (ms !== undefined) return ms;
  throw usage(`${text} is no time: 2026-01-31T12:00:00Z, or 90s, 15m, 2h, 7d ago`);
}

export function checkEventId(text: string): string {
  if (parseEventId(text)) return text;
  throw usage(`${text} is not an event id: they are like 1763650000000-42`);
}

/** A whole number from 1 on. `name` is the option's. */
export function numberOf(text: string, name: string, most = Infinity): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number > 0 && number <= most) return number;
  throw usage(`${name} must be a number ${most === Infinity ? 'above 0' : `from 1 to ${most}`}`);
}

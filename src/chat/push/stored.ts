/** Devices and settings as the scripts keep them (`lua/lib/push.lua`), and when is quiet. Pure. */
import { createHash } from 'node:crypto';
import { readOpaque } from '../opaque.ts';
import type { PushSettings } from './contract.ts';

export interface Device {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** What a device is known by: an address is long, and not for everyone's eyes. */
export const deviceName = (endpoint: string): string => createHash('sha256').update(endpoint).digest('hex');

export const deviceOf = (word: string): Device => readOpaque(word) as Device;

const DEFAULT_SETTINGS: PushSettings = { previews: true, quiet_hours: null };
export const settingsOf = (word: string | null): PushSettings =>
  word === null || word === '-' ? DEFAULT_SETTINGS : (readOpaque(word) as PushSettings);

export function parseDevice(value: string): Device & { readonly created_at: string } {
  const [ms, word] = value.split(' ') as [string, string];
  return { ...deviceOf(word), created_at: new Date(Number(ms)).toISOString() };
}

/** Whether it is quiet then, by the clock on the user's wall. Hours may go over midnight. */
export function isQuiet({ quiet_hours }: PushSettings, ms: number): boolean {
  if (!quiet_hours) return false;
  const { from, to, time_zone } = quiet_hours;
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: time_zone }).format(
    ms,
  );
  return from <= to ? from <= clock && clock < to : from <= clock || clock < to;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

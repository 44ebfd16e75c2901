/**
 * How what features do because something happened, or because it is time, is tried: so many side by side, each within a deadline, and again
 * with back-off where something was not there just now.
 */
import { ChatError, fail } from '../errors.ts';
import { within } from '../log/deadline.ts';

/** What takes longer has an unknown outcome and is tried again. */
const TRY_MS = 5_000;
const BACK_OFF_MS = { first: 1_000, most: 60_000 };

export function inTime<T>(work: Promise<T>): Promise<T> {
  return within(TRY_MS, work, () => {
    throw fail('unknown_outcome', `no answer within ${TRY_MS} ms`);
  });
}

/** True where another try may go well. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ChatError && (error.code === 'unavailable' || error.code === 'unknown_outcome');

/** How long to wait after so many tries in a row. */
export const backOffMs = (tries: number): number => Math.min(BACK_OFF_MS.first * 2 ** (tries - 1), BACK_OFF_MS.most);

export async function sideBySide<T>(
  atOnce: number,
  items: readonly T[],
  task: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const takeTurns = async () => {
    for (const item of waiting) await task(item);
  };
  await Promise.all(Array.from({ length: atOnce }, takeTurns));
}

/**
 * What follows an event in other slots, written right after it. It has happened by then: where the rest cannot be written, a refusal that
 * says "nothing was done" would not be true.
 */
import { ChatError, fail } from '../errors.ts';

/** Throws `unknown_outcome` in place of `unavailable`. */
export async function afterwards<T>(follows: Promise<T>): Promise<T> {
  try {
    return await follows;
  } catch (error) {
    if (error instanceof ChatError && error.code === 'unavailable')
      throw fail('unknown_outcome', undefined, { cause: error });
    throw error;
  }
}

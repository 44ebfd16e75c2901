/** The refusal of what must be refused. */
import { ChatError } from '../../src/errors.ts';

export function refusal(work: () => unknown): ChatError {
  try {
    work();
  } catch (error) {
    if (error instanceof ChatError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

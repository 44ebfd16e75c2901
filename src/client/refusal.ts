/** What the server refused, or could not be asked: one error for REST, sockets and uploads. */

/** A problem document, or the error of a frame. */
export interface Problem {
  readonly code?: string;
  readonly detail?: string;
  /** Seconds. */
  readonly retry_after?: number;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

/**
 * `code` is the server's, or one of the library's own. unreachable: no answer came, and none will. lost: the connection went before the
 * answer came. timeout: the answer did not come in time. full: too much waits already. stopped: the client was stopped.
 */
export class Refusal extends Error {
  readonly code: string;
  /** Seconds after which a repeat is worth it. */
  readonly retryAfter: number | undefined;
  readonly errors: NonNullable<Problem['errors']>;

  constructor({ code = 'internal', detail, retry_after, errors = [] }: Problem, cause?: unknown) {
    super(detail ?? code, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.code = code;
    this.retryAfter = retry_after;
    this.errors = errors;
  }
}

/** Nobody knows whether it was done, or it was not for now: the same again, with the same id, is right. */
export const isWorthRepeating = (error: unknown): boolean =>
  error instanceof Refusal && ['unreachable', 'lost', 'timeout', 'unavailable', 'unknown_outcome'].includes(error.code);

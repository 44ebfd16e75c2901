/**
 * The error catalogue: every refusal that a client can see, with its HTTP status, its safe text and whether a repeat can help.
 * Owns the mapping from code to status and close code. Refuses codes that are not in the table: `fail` takes only catalogue codes,
 * and a test checks that every FAIL line of a Lua script names one of them.
 */
interface CatalogueEntry {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Text that is safe to show to anyone; a more exact `detail` may take its place. */
  readonly title: string;
  /** Seconds after which the same request, with the same id, is worth repeating. */
  readonly retryAfter?: number;
}

export const catalogue = {
  validation_failed: { status: 400, title: 'The request does not have the right form' },
  bad_frame: { status: 400, title: 'A frame must be a JSON object with a string "type"' },
  unknown_command: { status: 400, title: 'There is no such command' },
  wrong_credentials: { status: 401, title: 'This is not the right password' },
  unauthenticated: { status: 401, title: 'A valid access token is needed' },
  token_expired: { status: 401, title: 'The access token has expired' },
  forbidden: { status: 403, title: 'You may not do this' },
  banned: { status: 403, title: 'You are banned from this conversation' },
  edit_window_closed: { status: 403, title: 'It is too late to edit this message' },
  delete_window_closed: { status: 403, title: 'It is too late to delete this message' },
  not_found: { status: 404, title: 'There is no such thing, or you may not see it' },
  method_not_allowed: { status: 405, title: 'This address does not take this method' },
  conflict: { status: 409, title: 'This contradicts what is there already' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'Content of this kind is not taken here' },
  range_not_satisfiable: { status: 416, title: 'There are no such bytes' },
  content_rejected: { status: 422, title: 'This content is not accepted' },
  upgrade_required: { status: 426, title: 'This address is for WebSockets' },
  rate_limited: { status: 429, title: 'Too many requests', retryAfter: 1 },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'The service cannot do this right now', retryAfter: 1 },
  unknown_outcome: {
    status: 503,
    title: 'It may or may not have been done: repeat it with the same id',
    retryAfter: 1,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** WebSocket close codes. 4000–4499, 1012 and 1013 mean "come back, with resume"; 4500–4999 mean "do not". */
export const closeCodes = {
  too_big: 1009,
  restart: 1012,
  full: 1013,
  token_expired: 4401,
  heartbeat_missed: 4408,
  too_slow: 4413,
  flooding: 4429,
  not_a_frame: 4500,
  unauthenticated: 4501,
  refused: 4503,
} as const;

/** What each of them means to who reads the documents. */
export const closeTexts: Readonly<Record<keyof typeof closeCodes, string>> = {
  too_big: 'A frame was larger than 64 KiB',
  restart: 'The server restarts, or lost its place: come back with resume',
  full: 'The server has no room for more sockets: come back later',
  token_expired: 'The access token has expired: refresh it, then come back',
  heartbeat_missed: 'No answer to two pings, or no `session.resume` within five seconds',
  too_slow: 'The client reads too slowly: what it did not take is kept in the log',
  flooding: 'Too many frames a second; the reason is JSON with `retry_after` in seconds',
  not_a_frame: 'For the third time something came that is not a frame',
  unauthenticated: 'The session has ended',
  refused: 'The user is no longer in the conversation that this socket was opened for',
};

/** One field of a request that is not right. `pointer` is a JSON pointer into the body, `/query/<name>`, `/path/<name>` or `/header/<name>`. */
export interface FieldError {
  pointer: string;
  message: string;
  /** Of content that a rule refuses: which. */
  rule?: string;
}

interface FailOptions {
  errors?: FieldError[];
  retryAfter?: number;
  cause?: unknown;
  headers?: Record<string, string>;
}

export class ChatError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfter: number | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, detail?: string, options: FailOptions = {}) {
    super(detail ?? catalogue[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    const entry: CatalogueEntry = catalogue[code];
    this.code = code;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter ?? entry.retryAfter;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return catalogue[this.code].status;
  }
}

/** Builds the error for a catalogue code: `throw fail('not_found')`. `detail` must be safe to show to the caller. */
export function fail(code: ErrorCode, detail?: string, options?: FailOptions): ChatError {
  return new ChatError(code, detail, options);
}

/** The RFC 9457 problem document of an error: all that a client sees of it. */
export function problemOf(error: ChatError): object {
  const { title } = catalogue[error.code];
  return {
    type: `about:blank#${error.code}`,
    title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  };
}

/** Headers that go with a problem document. */
export function problemHeaders(error: ChatError): Record<string, string> {
  return {
    'Content-Type': 'application/problem+json',
    ...(error.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(error.retryAfter === undefined ? {} : { 'Retry-After': String(Math.ceil(error.retryAfter)) }),
    ...error.headers,
  };
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}

/** What a failure says to operators: what is behind it, where something is. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

/** What a caller may know of any thrown thing: catalogue errors as they are, all else as `internal` with the cause kept for the log. */
export function asChatError(error: unknown): ChatError {
  return error instanceof ChatError ? error : new ChatError('internal', undefined, { cause: error });
}

/** Whether it is sure that nothing was done; after any other failure something may have been. */
export const isRefusal = (error: unknown): boolean => error instanceof ChatError && error.status < 500;

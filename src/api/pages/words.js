/** What went wrong, as it is said to a person: a refusal's code is for programs, and its detail not always for everybody. */
import { Refusal } from '/client/lib/client.js';

/** What to say for a code, where the server's own words say less to a person. @type {Record<string, string>} */
const WORDS = {
  unreachable: 'The server cannot be reached. Check your connection and try again.',
  lost: 'The connection was lost.',
  timeout: 'The server did not answer in time. Try again in a moment.',
  stopped: 'There is no connection.',
  full: 'Too much waits to be sent already.',
  unavailable: 'The server is busy. Try again in a moment.',
  unknown_outcome: 'It is not sure whether this was done. Try again: it will not be done twice.',
  internal: 'Something went wrong on the server.',
  payload_too_large: 'This is too long.',
};

/** What a field takes. @type {Record<string, string>} */
const FIELDS = {
  '/username': 'A username has 3 to 32 letters, digits or any of _ . -',
  '/password': 'A password has at least 8 characters, and at most 72.',
  '/display_name': 'A name has 1 to 64 readable characters.',
  '/name': 'Give it a name of 1 to 100 readable characters.',
};

/** What went wrong, in plain words. @param {unknown} error @returns {string} */
export function wordsOf(error) {
  if (!(error instanceof Refusal)) return /** @type {Error} */ (error).message;
  return wordsOfProblem({ ...error, detail: error.message, retry_after: error.retryAfter });
}

/** The same of an error frame or a problem document. @param {import('/client/lib/client.js').Problem} problem @returns {string} */
export function wordsOfProblem({ code = '', detail = '', retry_after, errors }) {
  const [, pointer, message] = /^(\/[^:\s]*): (.+)$/s.exec(detail) ?? [];
  const field = FIELDS[errors?.[0]?.pointer ?? pointer ?? ''];
  if (field && code === 'validation_failed') return field;
  if (code === 'rate_limited') {
    const seconds = Math.ceil(retry_after ?? 1);
    return `Too many at once. Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
  }
  if (pointer === '/content') return `The message ${message}.`;
  return WORDS[code] ?? (detail || 'This did not work.');
}

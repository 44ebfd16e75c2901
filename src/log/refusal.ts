/** A script's `fail` as the error that it is: `{ 'fail', code, detail or nil, seconds after which it may be tried again or nil }`. */
import { fail, isErrorCode } from '../errors.ts';
import type { Reply } from './script-runner.ts';
import type { Script } from './scripts.ts';

export function refusalOf(script: Script, [, code, detail, seconds]: Reply): Error {
  const name = String(code);
  if (!isErrorCode(name)) return new Error(`${script.name}: ${name}`);
  return fail(
    name,
    detail === undefined ? undefined : String(detail),
    seconds === undefined ? {} : { retryAfter: Number(seconds) },
  );
}

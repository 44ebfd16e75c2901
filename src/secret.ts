/**
 * The secret that signs tokens, for a server that was given none: made once and kept in a file beside the data, so that tokens stay valid
 * over restarts. Refuses a file that does not hold a whole one: signing with less would be forgeable, and making another would log
 * everybody out without a word.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.ts';

const BYTES = 32;
const WHOLE = /^[\w-]{43}$/;

/** Throws `ConfigError` for a file that is empty or cut. The caller has the folder to itself. */
export async function keptSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret');
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return kept === undefined ? makeSecret(dataDir, path) : checked(kept, path);
}

/** By way of a rename, so that a crash leaves a whole one or none. */
async function makeSecret(dataDir: string, path: string): Promise<string> {
  const secret = randomBytes(BYTES).toString('base64url');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return secret;
}

function checked(text: string, path: string): string {
  const secret = text.trim();
  if (WHOLE.test(secret)) return secret;
  throw new ConfigError(
    `${path} is ${secret === '' ? 'empty' : 'damaged'}: put the file back from a copy, or delete it to have another secret made, ` +
      'which logs everybody out',
  );
}

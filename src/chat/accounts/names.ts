/**
 * What users are called: what a display name must be, and under which owner a name to log in with is claimed. Pure.
 */
import { createHash } from 'node:crypto';
import { invalid } from '../../envelope.ts';
import type { Owner } from '../../keys.ts';
import { fold } from '../folding.ts';
import { readableName } from '../text.ts';

const MAX_CHARACTERS = 64;

/** The display name as it is kept. Throws `validation_failed`. */
export function displayName(text: string): string {
  const name = readableName(text, MAX_CHARACTERS);
  if (name !== undefined) return name;
  throw invalid([{ pointer: '/display_name', message: `must be 1 to ${MAX_CHARACTERS} characters of readable text` }]);
}

/** A name that somebody can log in with, and who in Redis owns the claim on it. */
export interface LoginName {
  readonly kind: 'username' | 'email';
  readonly owner: Owner;
}

/**
 * What has an @ is an e-mail: a username cannot have one. An e-mail stands in no key, only its hash does. It is looked for in any case,
 * but not by the folding of names: that may change, and what is claimed here stays claimed.
 */
export function loginName(text: string): LoginName {
  const given = text.trim();
  if (given.includes('@')) {
    return { kind: 'email', owner: { kind: 'login', id: sha256(given.normalize('NFC').toLowerCase()) } };
  }
  const name = fold(given);
  // What is not a username is looked up too, under an id that nobody can claim: every log-in takes the same steps.
  const id = /^[a-z0-9_.-]{1,32}$/.test(name) ? name : sha256(name);
  return { kind: 'username', owner: { kind: 'login', id } };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

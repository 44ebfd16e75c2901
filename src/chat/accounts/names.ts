/**
 * What users are called: how a display name is cleaned, and under which owner a name to log in with is claimed. Pure. Refuses names that
 * show nothing or that would turn the text around them.
 */
import { createHash } from 'node:crypto';
import { invalid } from '../../envelope.ts';
import type { Owner } from '../../keys.ts';
import { foldName } from '../directory.ts';

const MAX_CHARACTERS = 64;
/** They would reverse what stands after the name: they go, since many a keyboard leaves one behind unseen. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** The display name as it is kept: NFC, trimmed, without direction marks. Throws `validation_failed`. */
export function displayName(text: string): string {
  const name = text.normalize('NFC').replace(DIRECTION_MARKS, '').trim();
  if (!VISIBLE.test(name) || CONTROLS.test(name) || Array.from(name).length > MAX_CHARACTERS) {
    const message = `must be 1 to ${MAX_CHARACTERS} characters of readable text`;
    throw invalid([{ pointer: '/display_name', message }]);
  }
  return name;
}

/** A name that somebody can log in with, and who in Redis owns the claim on it. */
export interface LoginName {
  readonly kind: 'username' | 'email';
  readonly owner: Owner;
}

/** What has an @ is an e-mail: a username cannot have one. An e-mail stands in no key, only its hash does. */
export function loginName(text: string): LoginName {
  const name = foldName(text.trim());
  if (name.includes('@')) return { kind: 'email', owner: { kind: 'login', id: sha256(name) } };
  // What is not a username is looked up too, under an id that nobody can claim: every log-in takes the same steps.
  const id = /^[a-z0-9_.-]{1,32}$/.test(name) ? name : sha256(name);
  return { kind: 'username', owner: { kind: 'login', id } };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

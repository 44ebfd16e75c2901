/** The name of a file, made harmless: no path, nothing that cannot be seen or turns the text around, and no name that hides. Pure. */
import { withoutDirectionMarks } from '../text.ts';

const MAX_LENGTH = 120;
const MAX_ENDING = 16;
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu;

export function cleanFileName(given: string): string {
  const [name = ''] = given.normalize('NFC').split(/[/\\]/).slice(-1);
  const seen = withoutDirectionMarks(name)
    .replaceAll(UNSEEN, '')
    .replace(/^[\s.]+/, '')
    .replace(/[\s.]+$/, '');
  if (seen === '') return 'file';
  const letters = Array.from(seen);
  if (letters.length <= MAX_LENGTH) return seen;
  const dot = letters.lastIndexOf('.');
  const ending = dot > 0 && letters.length - dot <= MAX_ENDING ? letters.slice(dot) : [];
  return [...letters.slice(0, MAX_LENGTH - ending.length), ...ending].join('');
}

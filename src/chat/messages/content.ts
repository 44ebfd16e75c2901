/** What a message may say. Pure. */
import { invalid } from '../../envelope.ts';
import { isBlank } from '../text.ts';

/** Code points, as a schema's maxLength counts them. */
const characters = (text: string): number => Array.from(text).length;

/** Throws `validation_failed` for a text that shows nothing, where no file comes with it, and for one that is too long. */
export function checkContent(content: string, maxLength: number, comesWithFile: boolean): void {
  if (!comesWithFile && isBlank(content)) throw invalid([{ pointer: '/content', message: 'must say something' }]);
  // A string is never shorter in code units than in characters, so the count is only made where it can matter.
  if (content.length > maxLength && characters(content) > maxLength) {
    throw invalid([{ pointer: '/content', message: `must not be longer than ${maxLength} characters` }]);
  }
}

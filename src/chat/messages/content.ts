/** What a message may say. Pure. */
import { invalid } from '../../envelope.ts';
import { isBlank, isLonger } from '../text.ts';

/** Throws `validation_failed` for a text that shows nothing, where no file comes with it, and for one that is too long. */
export function checkContent(content: string, maxLength: number, comesWithFile: boolean): void {
  if (!comesWithFile && isBlank(content)) throw invalid([{ pointer: '/content', message: 'must say something' }]);
  if (isLonger(content, maxLength)) {
    throw invalid([{ pointer: '/content', message: `must not be longer than ${maxLength} characters` }]);
  }
}

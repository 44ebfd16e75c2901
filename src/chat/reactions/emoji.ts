/**
 * What may be a reaction: one emoji that Unicode recommends for interchange, in one spelling. Keyboards leave out the variation selector
 * or put one too many, so both are mended here: ❤ and ❤️ are one reaction. Pure.
 */
import { invalid } from '../../envelope.ts';

/** One of Unicode's own list, whole. Built from text, since the compiler's target does not know the flag. */
const ONE_EMOJI = new RegExp('^\\p{RGI_Emoji}$', 'v');
const SELECTOR = '\u{fe0f}';

/** The emoji, fully qualified; undefined for anything that is not exactly one. */
export function oneEmoji(text: string): string | undefined {
  const points = Array.from(text).filter((point) => point !== SELECTOR);
  const qualified = points.map((point, i) => (isTextual(point, points[i + 1]) ? point + SELECTOR : point)).join('');
  return ONE_EMOJI.test(qualified) ? qualified : undefined;
}

/** Shown as text unless a selector, or a skin tone, says otherwise. */
function isTextual(point: string, next = ''): boolean {
  return /\p{Emoji}/u.test(point) && !/\p{Emoji_Presentation}/u.test(point) && !/^\p{Emoji_Modifier}/u.test(next);
}

/** The emoji in its one spelling. Throws `validation_failed`. */
export function checkedEmoji(text: string): string {
  const emoji = oneEmoji(text);
  if (emoji === undefined) throw invalid([{ pointer: '/emoji', message: 'must be one emoji' }]);
  return emoji;
}

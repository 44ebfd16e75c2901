/** Reactions: what an event makes of those on a message, and how they are shown, chosen and taken back. */
import { element } from './dom.js';

/** @typedef {import('./messages.js').Message} Message */
/** @typedef {Message['reactions'][number]} Reaction */
/**
 * @typedef {object} Reader
 * @property {string} me
 * @property {(userId: string) => string} nameOf
 * @property {(message: Message, emoji: string, isMine: boolean) => void} onReact
 */

const CHOICE = ['👍', '❤️', '😂', '🎉', '😮', '😢'];
/** The server names no more of those who reacted. */
const NAMED = 20;

/** An event may tell what was read already: who is named is not counted twice. @param {Reaction[]} all @param {string} emoji @param {string} userId @returns {Reaction[]} */
export function withReaction(all, emoji, userId) {
  const known = all.find((reaction) => reaction.emoji === emoji);
  if (!known) return [...all, { emoji, count: 1, user_ids: [userId] }];
  if (known.user_ids.includes(userId)) return all;
  const user_ids = known.user_ids.length < NAMED ? [...known.user_ids, userId] : known.user_ids;
  return all.map((reaction) => (reaction === known ? { emoji, count: known.count + 1, user_ids } : reaction));
}

/** @param {Reaction[]} all @param {string} emoji @param {string} userId @returns {Reaction[]} */
export function withoutReaction(all, emoji, userId) {
  const known = all.find((reaction) => reaction.emoji === emoji);
  if (!known) return all;
  const user_ids = known.user_ids.filter((id) => id !== userId);
  const isCounted = user_ids.length < known.user_ids.length || known.count > known.user_ids.length;
  const count = known.count - (isCounted ? 1 : 0);
  return all.flatMap((reaction) => (reaction !== known ? [reaction] : count === 0 ? [] : [{ emoji, count, user_ids }]));
}

/** What stands on a message; a press adds one's own or takes it back. @param {Message} message @param {Reader} reader */
export function reactionsOf(message, { me, nameOf, onReact }) {
  const chip = (/** @type {Reaction} */ { emoji, count, user_ids }) => {
    const isMine = user_ids.includes(me);
    return element('button', {
      type: 'button',
      class: 'reaction',
      text: `${emoji} ${count}`,
      title: user_ids.map(nameOf).join(', '),
      'aria-pressed': `${isMine}`,
      onclick: () => onReact(message, emoji, isMine),
    });
  };
  return element('p', { class: 'reactions' }, ...message.reactions.map(chip));
}

/** A few emoji to choose from, opened by the word. @param {Message} message @param {Reader} reader */
export function reactionPicker(message, { me, onReact }) {
  const choose = (/** @type {string} */ emoji) => {
    const isMine = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.user_ids.includes(me));
    return element('button', {
      type: 'button',
      class: 'reaction',
      text: emoji,
      onclick: () => onReact(message, emoji, isMine),
    });
  };
  return element(
    'details',
    { class: 'picker' },
    element('summary', { class: 'link', text: 'React' }),
    ...CHOICE.map(choose),
  );
}

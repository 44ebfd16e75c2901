/** The list of conversations: most recently active first, each with its last message and how many are unread. */
import { avatar, byId, draw, element } from './dom.js';
import { previewOf, shortTimeOf } from './messages.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */

/**
 * @param {object} options
 * @param {import('./conversations.js').Conversations} options.conversations
 * @param {import('/client/lib/client.js').Presence} options.presence
 * @param {(userId: string) => string} options.nameOf
 */
export function listView({ conversations, presence, nameOf }) {
  const list = byId('conversations');
  byId('conversations-more').addEventListener('click', () => conversations.loadMore().catch(() => {}));

  /** @param {Conversation} conversation @param {boolean} isOpen @param {Date} now */
  function itemOf(conversation, isOpen, now) {
    const { id, type, last_message: last, last_activity, unread_count } = conversation;
    const name = conversations.titleOf(conversation);
    const title = type === 'channel' ? `# ${name}` : name;
    const preview = last ? previewOf(last, nameOf, type === 'direct') : 'Nothing said yet';
    const time = shortTimeOf(last_activity, now);
    const other = conversations.otherOf(conversation);
    const status = other && presence.statusOf(other);
    return {
      key: id,
      look: [title, preview, time, unread_count, isOpen, status],
      build: () => {
        const unread = element(
          'span',
          { class: 'badge' },
          element('span', { text: unread_count > 99 ? '99+' : `${unread_count}` }),
          element('span', { class: 'unseen', text: ' unread' }),
        );
        const link = element(
          'a',
          { href: `#${id}`, 'aria-current': isOpen ? 'true' : undefined, 'data-unread': unread_count > 0 },
          avatar(other ?? id, name, status),
          element('span', { class: 'title', text: title, dir: 'auto' }),
          element('time', { class: 'time muted', datetime: last_activity, text: time }),
          element('span', { class: 'preview muted', text: preview.slice(0, 200), dir: 'auto' }),
          unread_count > 0 ? unread : undefined,
        );
        return element('li', {}, link);
      },
    };
  }

  return {
    /** @param {string | undefined} openId */
    render(openId) {
      const now = new Date();
      const { sorted } = conversations;
      draw(
        list,
        sorted.map((conversation) => itemOf(conversation, conversation.id === openId, now)),
      );
      byId('conversations-empty').hidden = sorted.length > 0 || !conversations.isLoaded;
      byId('conversations-more').hidden = !conversations.hasMore;
      const { unread } = conversations;
      document.title = unread > 0 ? `(${unread}) Rill` : 'Rill';
    },
  };
}

/** The dialog that finds messages: what was typed, and where it stands in each that was found. */
import { dialogOf, searching } from './dialog.js';
import { byId, draw, element } from './dom.js';

/** @typedef {import('/client/lib/client.js').Operations['GET /search/messages']['answer']['items'][number]} Hit */

const FIRST = 30;

/** @param {import('./dialogs.js').Options} options */
export function messageSearch({ client, people, onOpen, nameOfRoom }) {
  const parts = dialogOf('search');
  /** @param {string} id */
  const enter = (id) =>
    parts.attempt(async () => {
      onOpen(await client.call('GET /conversations/{conversation_id}', { conversation_id: id }));
      parts.dialog.close();
    });
  /** @param {Hit} hit */
  const itemOf = ({ message, conversation, snippet, highlights }) => {
    const about = [people.name(message.sender_id), new Date(message.created_at).toLocaleString()];
    const where = nameOfRoom(conversation.id) ?? conversation.name ?? 'Direct message';
    return {
      key: message.id,
      look: [about, where, snippet, highlights],
      build: () =>
        element(
          'li',
          {},
          element(
            'button',
            { type: 'button', class: 'result found', onclick: () => enter(conversation.id) },
            element('span', { class: 'title', text: where, dir: 'auto' }),
            element('span', { class: 'muted', text: about.join(' · '), dir: 'auto' }),
            element('span', { class: 'snippet', dir: 'auto' }, ...marked(snippet, highlights)),
          ),
        ),
    };
  };
  const search = searching(byId('search-query'), (q, isCurrent) => {
    parts.say('');
    draw(parts.results, []);
    if (!/[\p{L}\p{N}]/u.test(q)) return;
    parts.attempt(async () => {
      const { items, has_more } = await client.call('GET /search/messages', { q, limit: FIRST });
      if (!isCurrent()) return;
      const more = has_more ? 'Type more to find older ones.' : '';
      parts.say(items.length === 0 && !has_more ? 'Nothing was found.' : more);
      draw(parts.results, items.map(itemOf));
    });
  });
  byId('open-search').addEventListener('click', () => {
    parts.open();
    byId('search-query').select();
    search();
  });
}

/** @param {string} snippet @param {number[][]} highlights */
function marked(snippet, highlights) {
  /** @type {(Node | undefined)[]} */ const pieces = [];
  let end = 0;
  for (const [from = 0, to = 0] of highlights) {
    pieces.push(new Text(snippet.slice(end, from)), element('mark', { text: snippet.slice(from, to) }));
    end = to;
  }
  return [...pieces, new Text(snippet.slice(end))];
}

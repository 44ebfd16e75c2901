/** The dialogs: finding a person, making a group or channel, looking around in the public channels, who is in a conversation. */
import { dialogOf, peopleSearch, searching, userParts } from './dialog.js';
import { avatar, byId, draw, element } from './dom.js';
import { messageSearch } from './search.js';

/** @typedef {import('/client/lib/client.js').Client} Client */
/** @typedef {import('./conversations.js').User} User */
/** @typedef {import('./conversations.js').Conversation} Conversation */
/**
 * @typedef {object} Options
 * @property {Client} client
 * @property {import('./conversations.js').People} people
 * @property {(conversation: Conversation) => void} onOpen a conversation was made, joined or chosen
 * @property {() => Conversation | undefined} current the open conversation
 * @property {(conversation: Conversation) => string} titleOf
 * @property {(id: string) => string | undefined} nameOfRoom of a conversation that is in the list
 * @property {(id: string) => void} onLeft
 */

const ROLES = /** @type {Record<string, string>} */ ({ owner: 'Owner', admin: 'Admin' });

/** @param {Options} options */
export function dialogs(options) {
  direct(options);
  const create = creation(options);
  channels(options, create);
  members(options);
  messageSearch(options);
}

/** @param {Options} options */
function direct(options) {
  const parts = dialogOf('direct');
  /** @param {User} user */
  const onChosen = (user) =>
    parts.attempt(async () => {
      options.onOpen(await options.client.call('POST /conversations/direct', { user_id: user.id }));
      parts.dialog.close();
    });
  const search = peopleSearch(options, parts, 'direct-query', { onChosen });
  byId('open-direct').addEventListener('click', () => {
    byId('direct-query').value = '';
    parts.open();
    search();
  });
}

/** @param {Options} options */
function creation(options) {
  const parts = dialogOf('create');
  const form = /** @type {HTMLFormElement} */ (parts.dialog.querySelector('form'));
  const query = byId('create-query');
  /** @type {Map<string, User>} */ const chosen = new Map();
  const redraw = () =>
    draw(
      byId('chosen'),
      [...chosen.values()].map((user) => ({
        key: user.id,
        look: user,
        build: () => {
          const remove = () => {
            chosen.delete(user.id);
            redraw();
            query.focus();
            search();
          };
          const label = `Remove ${user.display_name}`;
          const button = element('button', { type: 'button', text: '×', 'aria-label': label, onclick: remove });
          return element('li', {}, element('span', { text: user.display_name, dir: 'auto' }), button);
        },
      })),
    );
  const search = peopleSearch(options, parts, 'create-query', {
    isOffered: ({ id }) => !chosen.has(id),
    onChosen(user) {
      chosen.set(user.id, user);
      redraw();
      query.value = '';
      query.focus();
      search();
    },
  });
  // The same form sent again after a failure is the same request.
  let [last, key] = ['', ''];
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    parts.attempt(async () => {
      const { type, name, description } = /** @type {any} */ (Object.fromEntries(new FormData(form)));
      const about = { ...(name ? { name } : {}), ...(description ? { description } : {}) };
      const body = { type, ...about, participant_ids: [...chosen.keys()] };
      if (!name) throw new Error('Give it a name.');
      if (JSON.stringify(body) !== last) [last, key] = [JSON.stringify(body), options.client.newId()];
      options.onOpen(await options.client.call('POST /conversations', body, { key }));
      parts.dialog.close();
    });
  });
  /** @param {'group' | 'channel'} type */
  const open = (type) => {
    form.reset();
    /** @type {HTMLInputElement} */ (form.querySelector(`[value=${type}]`)).checked = true;
    last = '';
    chosen.clear();
    redraw();
    parts.open();
    byId('create-name').focus();
    search();
  };
  byId('open-create').addEventListener('click', () => open('group'));
  return open;
}

/** @param {Options} options @param {(type: 'channel') => void} create */
function channels({ client, onOpen }, create) {
  const parts = dialogOf('channels');
  /** @param {Conversation} channel */
  const enter = (channel) =>
    parts.attempt(async () => {
      onOpen(
        channel.role === null
          ? await client.call('POST /conversations/{conversation_id}/join', { conversation_id: channel.id })
          : channel,
      );
      parts.dialog.close();
    });
  /** @param {Conversation} channel */
  const itemOf = (channel) => {
    const { id, name, description, member_count: count, role } = channel;
    const members = `${count} ${count === 1 ? 'member' : 'members'}`;
    const verb = role === null ? 'Join' : 'Open';
    return {
      key: id,
      look: channel,
      build: () =>
        element(
          'li',
          { class: 'result' },
          avatar(id, name ?? ''),
          element('span', { class: 'title', text: `# ${name}`, dir: 'auto' }),
          element('span', { class: 'muted', text: [members, description].filter(Boolean).join(' · '), dir: 'auto' }),
          element('button', {
            type: 'button',
            class: role === null ? 'primary' : '',
            text: verb,
            'aria-label': `${verb} ${name}`,
            onclick: () => enter(channel),
          }),
        ),
    };
  };
  const search = searching(byId('channels-query'), (query, isCurrent) =>
    parts.attempt(async () => {
      const { items, has_more } = await client.call('GET /channels', { query, limit: 50 });
      if (!isCurrent()) return;
      const none = query === '' ? 'There are no channels yet.' : 'No channel has this name.';
      parts.say(items.length === 0 ? none : has_more ? 'Type more of the name to find others.' : '');
      draw(parts.results, items.map(itemOf));
    }),
  );
  byId('open-channels').addEventListener('click', () => {
    byId('channels-query').value = '';
    parts.open();
    search();
  });
  byId('create-channel').addEventListener('click', () => {
    parts.dialog.close();
    create('channel');
  });
}

/** @param {Options} options */
function members({ client, people, current, titleOf, onLeft }) {
  const parts = dialogOf('people');
  /** @param {{ user_id: string, role: string, user: User }} participant */
  const itemOf = ({ user_id, role, user }) => ({
    key: user_id,
    look: [role, user],
    build: () => {
      const about = [user_id === people.me.id ? 'You' : '', ROLES[role] ?? ''].filter(Boolean).join(', ');
      return element('li', { class: 'result' }, ...userParts(user), element('span', { class: 'role', text: about }));
    },
  });
  byId('open-people').addEventListener('click', () => {
    const conversation = current();
    if (!conversation) return;
    byId('leave').hidden = conversation.type === 'direct';
    draw(parts.results, []);
    parts.say('Loading…');
    parts.open();
    parts.attempt(async () => {
      const { items, has_more } = await client.call('GET /conversations/{conversation_id}/participants', {
        conversation_id: conversation.id,
        limit: 100,
      });
      people.learn(items.map((/** @type {{ user: User }} */ { user }) => user));
      parts.say(has_more ? `The first ${items.length} of ${conversation.member_count}.` : '');
      draw(parts.results, items.map(itemOf));
    });
  });
  byId('leave').addEventListener('click', () => {
    const conversation = current();
    if (!conversation || !confirm(`Leave “${titleOf(conversation)}”?`)) return;
    parts.attempt(async () => {
      await client.call('POST /conversations/{conversation_id}/leave', { conversation_id: conversation.id });
      parts.dialog.close();
      onLeft(conversation.id);
    });
  });
}

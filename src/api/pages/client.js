/**
 * The page: puts the parts together and says who hears of what.
 *
 *   client ─ events → conversations → list
 *                   → timeline ─┐
 *   composer → client (outbox) ─┴→ talk
 *
 * The open conversation is the address after #, so that reload, links and the back button work.
 */
import { Client, outboxInIndexedDb } from '/client/lib/client.js';
import { Arrivals } from './arrivals.js';
import { Conversations, People } from './conversations.js';
import { dialogs } from './dialogs.js';
import { byId, coalesced } from './dom.js';
import { Files } from './files.js';
import { Idle } from './idle.js';
import { listView } from './list-view.js';
import { loginForm } from './login.js';
import { TalkView } from './talk-view.js';
import { Timeline } from './timeline.js';
import { wordsOf } from './words.js';

/** @typedef {import('./conversations.js').User} User */
/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {import('/client/lib/client.js').LoginStore} LoginStore */

/** Where the log-in is kept, for every tab. */
const STORED = 'rill.login';
const NOTICE = 'rill.notice';
const STATES = /** @type {const} */ ({
  opening: 'Connecting',
  resuming: 'Connecting',
  live: 'Connected',
  waiting: 'Offline',
  stopped: 'Disconnected',
});

/** @type {LoginStore} */
const login = {
  load() {
    try {
      return JSON.parse(localStorage.getItem(STORED) ?? '') ?? undefined;
    } catch {
      return undefined;
    }
  },
  save: (kept) => (kept ? localStorage.setItem(STORED, JSON.stringify(kept)) : localStorage.removeItem(STORED)),
};

function main() {
  const form = loginForm(new Client({ url: location.origin, login }), (user) => {
    form.hide();
    enter(user);
  });
  const notice = sessionStorage.getItem(NOTICE) ?? '';
  sessionStorage.removeItem(NOTICE);
  const user = login.load()?.user;
  if (user) enter(user);
  else form.show(notice);
  // Another tab logged in or out: a page never shows two people's conversations.
  addEventListener('storage', ({ key }) => {
    const changed = login.load()?.user?.id !== byId('app').dataset.userId;
    if ((key === STORED || key === null) && changed) location.reload();
  });
}

/** Begins anew as nobody: nothing of the one before stays in memory. @param {string} notice */
function begin(notice) {
  sessionStorage.setItem(NOTICE, notice);
  location.hash = '';
  location.reload();
}

/** @param {User} me */
function enter(me) {
  const client = new Client({ url: location.origin, login, outbox: outboxInIndexedDb(me.id) });
  const { presence } = client;
  /** @type {Timeline | undefined} */ let timeline;
  const render = coalesced(() => {
    watchOthers();
    list.render(timeline?.id);
    talk.render();
  });
  const people = new People({ client, me, onChange: render });
  /** @param {string} id */
  const nameOf = (id) => (id === me.id ? 'You' : people.name(id));
  const conversations = new Conversations({ client, people, onChange: render, onGone: left });
  const arrivals = new Arrivals(client);
  const list = listView({ conversations, presence, nameOf });
  const talk = new TalkView({
    client,
    conversations,
    people,
    files: new Files({ client, current: () => timeline?.id, onTrouble: complain }),
    nameOf,
    async onRead(id, eventId, messageId) {
      await client.command('receipt.read', { conversation_id: id, up_to: messageId });
      conversations.read(id, eventId);
    },
    async onEdit(conversation_id, { id: message_id }, content) {
      await client.command('message.edit', { conversation_id, message_id, content });
    },
    async onDelete(conversation_id, { id: message_id }) {
      await client.command('message.delete', { conversation_id, message_id });
    },
    async onReact(conversation_id, { id: message_id }, emoji, isMine) {
      await client.command(isMine ? 'reaction.remove' : 'reaction.add', { conversation_id, message_id, emoji });
    },
    onTrouble: complain,
  });
  listen();
  new Idle(presence, me.id);

  function listen() {
    client.on('session.ready', () => {
      conversations.load().then(() => {
        for (const { id, unread_count, last_message } of conversations.sorted)
          if (unread_count > 0 && last_message) arrivals.add(id, last_message.id);
        return showAddressed();
      }, complain);
    });
    client.on('event', (event) => happened(/** @type {ChatEvent} */ (event)));
    client.on('receipt.marked', ({ data }) => conversations.marked(data));
    client.on('sync.reset', ({ conversation_id, user_id }) => {
      conversations.reset(conversation_id).catch(complain);
      if (timeline && !user_id && (conversation_id ?? timeline.id) === timeline.id) void timeline.reload();
    });
    client.on('state', (state) => {
      showState(state.name);
      if (state.name === 'stopped' && state.code !== undefined)
        complain(new Error('The server has closed the connection. Reload the page to try again.'));
      if (state.name !== 'live') return;
      if (timeline?.trouble) void timeline.loadOlder();
      talk.markRead();
    });
    client.on('outbox', ({ conversation_id, sent }) => {
      if (sent && timeline?.id === conversation_id) timeline.add(sent);
      render();
    });
    client.on('presence', render);
    client.on('ended', () => begin('Your session has ended. Log in again.'));
    client.on('trouble', complain);
  }

  /** @param {ChatEvent} event */
  function happened(event) {
    conversations.apply(event);
    if (event.type === 'message.sent' && event.actor_id !== me.id)
      arrivals.add(event.conversation_id ?? '', event.data.message_id);
    if (!timeline || event.conversation_id !== timeline.id) return;
    timeline.apply(event);
    talk.announce(event);
  }

  function watchOthers() {
    const others = conversations.sorted.flatMap((conversation) => conversations.otherOf(conversation) || []);
    presence.watch([me.id, ...others]);
  }

  /** @param {string | undefined} id */
  function open(id) {
    if (timeline?.id === id) return;
    timeline = id === undefined ? undefined : new Timeline({ client, me: me.id, id, onChange: render });
    byId('app').classList.toggle('is-talking', timeline !== undefined);
    talk.open(timeline);
    render();
    void timeline?.loadOlder();
    if (id) learnMembers(client, people, id).then(render, () => {});
  }

  /** Shows what the address names; what this user may not see is left alone. */
  async function showAddressed() {
    const id = location.hash.slice(1);
    if (id === '') return open(undefined);
    if (!conversations.get(id) && !(await conversations.fetch(id))) {
      location.hash = '';
      return complain(new Error('There is no such conversation, or you are not in it.'));
    }
    if (location.hash.slice(1) === id) open(id);
  }

  /** @param {string} id */
  function left(id) {
    if (location.hash.slice(1) === id) location.hash = '';
  }

  dialogs({
    client,
    people,
    onOpen(conversation) {
      conversations.add(conversation);
      location.hash = conversation.id;
    },
    current: () => timeline && conversations.get(timeline.id),
    titleOf: (conversation) => conversations.titleOf(conversation),
    nameOfRoom(id) {
      const conversation = conversations.get(id);
      return conversation && conversations.titleOf(conversation);
    },
    onLeft: (id) => conversations.remove(id),
  });
  addEventListener('hashchange', () => void showAddressed().catch(complain));
  byId('banner-retry').addEventListener('click', () => client.retryNow());
  byId('notice-close').addEventListener('click', () => (byId('notice').hidden = true));
  byId('log-out').addEventListener('click', () => {
    // What was not sent is nobody's business after this.
    for (const { id } of client.unsent()) client.discard(id);
    void client.logOut().then(() => begin(''));
  });
  byId('my-name').textContent = me.display_name;
  byId('app').dataset.userId = me.id;
  byId('app').hidden = false;
  client.start();
}

/** The names of who is in a conversation, at once. @param {Client} client @param {People} people @param {string} id */
async function learnMembers(client, people, id) {
  const where = { conversation_id: id, limit: 100 };
  const { items } = await client.call('GET /conversations/{conversation_id}/participants', where);
  people.learn(items.map(({ user }) => user));
}

/** @param {keyof typeof STATES} state */
function showState(state) {
  const shown = byId('state');
  shown.textContent = STATES[state];
  shown.dataset.state = state;
  // It stays while an attempt is made, so that it does not flicker.
  if (state === 'opening' || state === 'resuming') return;
  byId('banner').hidden = state !== 'waiting';
  byId('banner-text').textContent = state === 'waiting' ? 'No connection. Trying again …' : '';
}

/** @param {unknown} error */
function complain(error) {
  byId('notice-text').textContent = wordsOf(error);
  byId('notice').hidden = false;
}

main();

/**
 * The page: puts the parts together and says who hears of what.
 *
 *   connection ─ events → conversations → list
 *                       → timeline ─┐
 *   composer → outbox ──────────────┴→ talk
 *
 * The open conversation is the address after #, so that reload, links and the back button work.
 */
import { Api, STORED } from './api.js';
import { Arrivals } from './arrivals.js';
import { Connection } from './connection.js';
import { Conversations, People } from './conversations.js';
import { dialogs } from './dialogs.js';
import { byId, coalesced } from './dom.js';
import { Files } from './files.js';
import { listView } from './list-view.js';
import { loginForm } from './login.js';
import { Outbox } from './outbox.js';
import { Presence } from './presence.js';
import { TalkView } from './talk-view.js';
import { Timeline } from './timeline.js';

/** @typedef {import('./api.js').User} User */

const NOTICE = 'rill.notice';
const STATES = /** @type {const} */ ({
  opening: 'Connecting',
  resuming: 'Connecting',
  live: 'Connected',
  waiting: 'Offline',
  stopped: 'Disconnected',
});

function main() {
  const api = new Api({ storage: localStorage, onEnded: () => begin('Your session has ended. Log in again.') });
  const login = loginForm(api, (user) => {
    login.hide();
    enter(api, user);
  });
  const notice = sessionStorage.getItem(NOTICE) ?? '';
  sessionStorage.removeItem(NOTICE);
  const user = api.login?.user;
  if (user) enter(api, user);
  else login.show(notice);
  // Another tab logged in or out: a page never shows two people's conversations.
  addEventListener('storage', ({ key }) => {
    const changed = api.login?.user.id !== byId('app').dataset.userId;
    if ((key === STORED || key === null) && changed) location.reload();
  });
}

/** Begins anew as nobody: nothing of the one before stays in memory. @param {string} notice */
function begin(notice) {
  sessionStorage.setItem(NOTICE, notice);
  location.hash = '';
  location.reload();
}

/** @param {Api} api @param {User} me */
function enter(api, me) {
  /** @type {Timeline | undefined} */ let timeline;
  const render = coalesced(() => {
    watchOthers();
    list.render(timeline?.id);
    talk.render();
  });
  const people = new People({ api, me, onChange: render });
  /** @param {string} id */
  const nameOf = (id) => (id === me.id ? 'You' : people.name(id));
  const conversations = new Conversations({ api, people, onChange: render, onGone: left });
  const presence = new Presence({
    userId: me.id,
    command: (type, data) => connection.command(type, data),
    onChange: render,
  });
  const connection = new Connection({
    userId: me.id,
    ticket: () => api.ticket(),
    onReady(_, known) {
      conversations.load().then(() => {
        for (const { id, unread_count, last_message } of conversations.sorted)
          if (unread_count > 0 && last_message) arrivals.add(id, last_message.id);
        return showAddressed();
      }, complain);
      if (timeline && !known.has(timeline.id)) void timeline.reload();
    },
    onEvent(event) {
      conversations.apply(event);
      if (event.type === 'presence.changed') presence.changed(/** @type {any} */ (event));
      if (event.type === 'message.sent') {
        presence.ended(event.conversation_id ?? '', event.actor_id);
        outbox.settle(event.data.message_id);
        if (event.actor_id !== me.id) arrivals.add(event.conversation_id ?? '', event.data.message_id);
      }
      if (timeline && event.conversation_id === timeline.id) {
        timeline.apply(event);
        talk.announce(event);
      }
    },
    onSeen: (event) => event.type === 'presence.changed' && presence.changed(event),
    onSignal: (signal) =>
      signal.type === 'receipt.marked' ? conversations.marked(signal.data) : presence.heard(signal),
    onReset(id) {
      conversations.reset(id).catch(complain);
      if (timeline && timeline.id === id) void timeline.reload();
    },
    onState(state) {
      showState(state);
      if (state !== 'live') return;
      presence.connected();
      watchOthers();
      outbox.flush();
      if (timeline?.trouble) void timeline.loadOlder();
      talk.markRead();
    },
    onRefused(code) {
      if (code === 4501) api.end();
      else complain(new Error('The server has closed the connection. Reload the page to try again.'));
    },
  });
  const arrivals = new Arrivals((type, data) => connection.command(type, data));
  const outbox = new Outbox({
    userId: me.id,
    storage: sessionStorage,
    command: (type, data) => connection.command(type, data),
    isLive: () => connection.isLive,
    onChange(id, sent) {
      if (sent && timeline?.id === id) timeline.add(sent);
      render();
    },
  });
  const list = listView({ conversations, presence, nameOf });
  const talk = new TalkView({
    conversations,
    people,
    outbox,
    presence,
    files: new Files({ api, current: () => timeline?.id, onTrouble: complain }),
    nameOf,
    async onRead(id, eventId, messageId) {
      await connection.command('receipt.read', { conversation_id: id, up_to: messageId });
      conversations.read(id, eventId);
    },
    async onEdit(conversation_id, { id: message_id }, content) {
      await connection.command('message.edit', { conversation_id, message_id, content });
    },
    async onDelete(conversation_id, { id: message_id }) {
      await connection.command('message.delete', { conversation_id, message_id });
    },
    async onReact(conversation_id, { id: message_id }, emoji, isMine) {
      const type = isMine ? 'reaction.remove' : 'reaction.add';
      await connection.command(type, { conversation_id, message_id, emoji });
    },
    onTrouble: complain,
  });

  function watchOthers() {
    const others = conversations.sorted.flatMap((conversation) => conversations.otherOf(conversation) || []);
    if (connection.isLive) presence.watch(others);
  }

  /** @param {string | undefined} id */
  function open(id) {
    if (timeline?.id === id) return;
    timeline = id === undefined ? undefined : new Timeline({ api, me: me.id, id, onChange: render });
    byId('app').classList.toggle('is-talking', timeline !== undefined);
    talk.open(timeline);
    render();
    void timeline?.loadOlder();
    if (id) learnMembers(api, people, id).then(render, () => {});
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
    connection.forget(id);
    if (location.hash.slice(1) === id) location.hash = '';
  }

  dialogs({
    api,
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
  byId('banner-retry').addEventListener('click', () => connection.retryNow());
  byId('notice-close').addEventListener('click', () => (byId('notice').hidden = true));
  byId('log-out').addEventListener('click', () => {
    connection.stop();
    sessionStorage.clear();
    void api.leave().then(() => begin(''));
  });
  byId('my-name').textContent = me.display_name;
  byId('app').dataset.userId = me.id;
  byId('app').hidden = false;
  connection.start();
}

/** The names of who is in a conversation, at once. @param {Api} api @param {People} people @param {string} id */
async function learnMembers(api, people, id) {
  const { items } = await api.get(`/conversations/${id}/participants`, { limit: 100 });
  people.learn(items.map((/** @type {{ user: User }} */ { user }) => user));
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
  byId('notice-text').textContent = /** @type {Error} */ (error).message;
  byId('notice').hidden = false;
}

main();

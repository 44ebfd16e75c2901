/** What the dialogs share: their frame, a list that follows what is typed, and the search for a person. */
import { avatar, byId, draw, element, isKey } from './dom.js';
import { wordsOf } from './words.js';

/** @typedef {import('./conversations.js').User} User */

const TYPING_MS = 200;

/** What every dialog has: a way out, a line for what went wrong and one for how it stands, a list. @param {string} id */
export function dialogOf(id) {
  /** @type {HTMLDialogElement} */ const dialog = byId(id);
  /** @param {string} selector @returns {any} */
  const part = (selector) => dialog.querySelector(selector);
  part('[data-close]').addEventListener('click', () => dialog.close());
  // A click beside the dialog is on its backdrop, which is the dialog itself.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  const [error, status, results] = [part('.error'), part('[role=status]'), part('.results')];
  return {
    dialog,
    results,
    open() {
      error.textContent = '';
      dialog.showModal();
    },
    /** @param {string} text */
    say: (text) => (status.textContent = text),
    /** Runs what a click asked for, and says in the dialog why it failed. @param {() => Promise<void>} run */
    attempt(run) {
      error.textContent = '';
      run().catch((refusal) => (error.textContent = wordsOf(refusal)));
    },
  };
}

/** A list that follows what is typed. @param {any} input @param {(text: string, isCurrent: () => boolean) => void} search */
export function searching(input, search) {
  let searches = 0;
  /** @type {number | undefined} */ let due;
  const run = () => {
    clearTimeout(due);
    const mine = (searches += 1);
    search(input.value.trim(), () => mine === searches);
  };
  input.addEventListener('input', () => {
    clearTimeout(due);
    due = setTimeout(run, TYPING_MS);
  });
  // Enter searches at once, and sends no form.
  input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (!isKey(event, 'Enter')) return;
    event.preventDefault();
    run();
  });
  return run;
}

/**
 * A search for people, each a button.
 * @param {{ client: import('/client/lib/client.js').Client, people: import('./conversations.js').People }} options
 * @param {ReturnType<typeof dialogOf>} parts
 * @param {string} inputId
 * @param {{ onChosen: (user: User) => void, isOffered?: (user: User) => boolean }} how
 */
export function peopleSearch({ client, people }, parts, inputId, { onChosen, isOffered = () => true }) {
  return searching(byId(inputId), (query, isCurrent) =>
    parts.attempt(async () => {
      const { items, has_more } = await client.call('GET /users', { query, limit: 20 });
      if (!isCurrent()) return;
      const found = items.filter((/** @type {User} */ user) => user.id !== people.me.id && isOffered(user));
      people.learn(found);
      const none = query === '' ? 'There is nobody else yet.' : 'Nobody else has this name.';
      parts.say(found.length === 0 ? none : has_more ? 'Type more of the name to find others.' : '');
      draw(
        parts.results,
        found.map((/** @type {User} */ user) => ({
          key: user.id,
          look: user,
          build: () =>
            element(
              'li',
              {},
              element('button', { type: 'button', class: 'result', onclick: () => onChosen(user) }, ...userParts(user)),
            ),
        })),
      );
    }),
  );
}

/** @param {User} user */
export function userParts({ id, display_name, username }) {
  return [
    avatar(id, display_name),
    element('span', { class: 'title', text: display_name, dir: 'auto' }),
    element('span', { class: 'muted', text: username && `@${username}` }),
  ];
}

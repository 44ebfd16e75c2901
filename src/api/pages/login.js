/** The form by which somebody comes in: with an account, or by making one. Says plainly what is wrong, and where. */
import { byId } from './dom.js';
import { wordsOf } from './words.js';

/** @typedef {import('./conversations.js').User} User */

const TEXTS = {
  login: { button: 'Log in', password: 'current-password' },
  register: { button: 'Create account', password: 'new-password' },
};

/** @param {import('/client/lib/client.js').Client} client @param {(user: User) => void} onEntered */
export function loginForm(client, onEntered) {
  const [form, error, submit] = [byId('login'), byId('login-error'), byId('login-submit')];
  const [username, password] = [byId('username'), byId('password')];
  /** @type {'login' | 'register'} */ let door = 'login';

  /** @param {'login' | 'register'} which */
  function choose(which) {
    door = which;
    error.textContent = '';
    byId('to-login').setAttribute('aria-pressed', `${door === 'login'}`);
    byId('to-register').setAttribute('aria-pressed', `${door === 'register'}`);
    byId('name-field').hidden = door === 'login';
    submit.textContent = TEXTS[door].button;
    password.autocomplete = TEXTS[door].password;
  }

  /** @param {string} text @param {HTMLInputElement} [field] the one to correct */
  function complain(text, field) {
    error.textContent = text;
    field?.focus();
  }

  async function enter() {
    /** @type {any} */ const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
    if (!fields['username']) return complain('Type your username.', username);
    if (!fields['password']) return complain('Type your password.', password);
    if (door === 'login') delete fields['display_name'];
    error.textContent = '';
    submit.disabled = true;
    try {
      const user = await (door === 'login' ? client.logIn(fields) : client.register(fields));
      form.reset();
      onEntered(user);
    } catch (refusal) {
      complain(wordsOf(refusal), password);
    }
    submit.disabled = false;
  }

  byId('to-login').addEventListener('click', () => choose('login'));
  byId('to-register').addEventListener('click', () => choose('register'));
  form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void enter();
  });
  return {
    /** @param {string} notice why one has to log in again */
    show(notice) {
      byId('welcome').hidden = false;
      error.textContent = notice;
      username.focus();
    },
    hide: () => (byId('welcome').hidden = true),
  };
}

/** Building and updating elements. Text only ever becomes text: nothing here takes markup. */

/** @typedef {{ key: string, look: unknown, build: () => HTMLElement }} Item An element that is built anew when its `look` differs */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | ((event: Event) => void) | undefined>} properties `text`, `onclick` and the like, attributes
 * @param {(Node | undefined)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (name === 'text') node.textContent = String(value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/** The element of the page with this id. @param {string} id @returns {any} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @type {WeakMap<Element, Map<string, { look: string, node: HTMLElement }>>} */
const drawn = new WeakMap();

/** Makes these the children of a parent, keeping those that look the same, and the focus. @param {Element} parent @param {Item[]} items */
export function draw(parent, items) {
  const before = drawn.get(parent) ?? new Map();
  const after = new Map(
    items.map(({ key, look, build }) => {
      const text = JSON.stringify(look);
      const old = before.get(key);
      return [key, old?.look === text ? old : { look: text, node: build() }];
    }),
  );
  drawn.set(parent, after);
  const focused = [...before].find(([, { node }]) => node.contains(document.activeElement))?.[0];
  for (const [key, { node }] of before) if (after.get(key)?.node !== node) node.remove();
  let place = parent.firstElementChild;
  for (const { node } of after.values()) {
    if (node === place) place = node.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  const again = focused === undefined ? undefined : after.get(focused)?.node;
  if (again && !again.contains(document.activeElement))
    again.querySelector('a, button')?.focus({ preventScroll: true });
}

/** In a tab that is not in front no frame is drawn, but its title still counts what is unread. */
const LATEST_MS = 200;

/** Runs once for all the calls before the next frame. @param {() => void} run */
export function coalesced(run) {
  let isDue = false;
  const runDue = () => {
    if (!isDue) return;
    isDue = false;
    run();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(runDue);
    setTimeout(runDue, LATEST_MS);
  };
}

/** A circle with initials, in a colour that follows from the id, and a dot for whoever is there. @param {string} id @param {string} name @param {string} [status] */
export function avatar(id, name, status) {
  const about = { class: `avatar ${hueOf(id)}`, 'aria-hidden': 'true', 'data-status': status || undefined };
  return element('span', { ...about, text: initialsOf(name) });
}

/** @param {string} id */
export function hueOf(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 997;
  return `hue-${sum % 6}`;
}

/** @param {string} name */
export function initialsOf(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0] ?? '?'];
  return letters.map((word) => Array.from(word ?? '')[0]?.toUpperCase() ?? '').join('');
}

/**
 * Whether the key was meant as such, and not for what an input method composes: Safari says so of the one that ends it by an old key code
 * alone.
 * @param {KeyboardEvent} event @param {'Enter' | 'Escape'} key
 */
export const isKey = (event, key) => event.key === key && !event.isComposing && event.keyCode !== 229;

/**
 * Over the whole run: what clients send in confidence and what they are given, and every line that a node writes meanwhile. No line has any
 * of it. What is found fails the run at its end.
 */
/** As the JSON of a request or an answer has them, so that a line in JSON would have them, too. */
const GIVEN = /"(?:access_token|refresh_token|ticket|api_key|secret|token)":"((?:[^"\\]|\\.)+)"/g;
const SENT =
  /"(?:password|current_password|new_password|refresh_token|email|content|question|status_text|description|p256dh|auth)":"((?:[^"\\]|\\.)+)"/g;
/** Words as short as this also stand in lines for reasons of their own. */
const SHORT = 10;
/** Whoever's token it is. */
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;
/** Of every test: the mark of what people write, and what nodes are started with. */
const always = new Set(['canary']);
/** Of this test. */
let secrets = new Set<string>();
let lines: string[] = [];
const found: string[] = [];

/** The text of a request's body or of a frame. */
export const sent = (text: string): void => learn(text, SENT);
/** The text of an answer. */
export const given = (text: string): void => learn(text, GIVEN);

function learn(text: string, pattern: RegExp): void {
  for (const [, secret] of text.matchAll(pattern)) if (secret!.length >= SHORT) secrets.add(secret!);
}

/** What a node is started with. */
export const keep = (secret: string): void => void always.add(secret);

/** A line that a node wrote. */
export const wrote = (line: string): void => void lines.push(line);

/** The lines that have what none may have, each with what it is. */
export function leaks(all: readonly string[], known: Iterable<string>): string[] {
  const text = all.join('\n');
  const said = [...known].filter((secret) => text.includes(secret));
  const tokens = all.filter((line) => TOKEN.test(line)).map((line) => `a token in ${line}`);
  return [...said.map((secret) => `${secret} in ${all.find((line) => line.includes(secret))}`), ...tokens];
}

afterEach(function () {
  for (const leak of leaks(lines, [...always, ...secrets])) found.push(`${this.currentTest?.fullTitle()}: ${leak}`);
  lines = [];
  secrets = new Set();
});
// At the end of all: what fails after a test for every suite would end the run there.
after(() => {
  if (found.length > 0) throw new Error(`Lines of the log tell what they must not:\n${found.join('\n')}`);
});

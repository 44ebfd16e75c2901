/**
 * Loads the Lua scripts and turns each header into code, so that a header cannot be stale: the names in KEYS and ARGV become the
 * script's locals, INCLUDE its libraries, FLAGS its shebang, and FAIL and EMITS are checked at start against the error catalogue and
 * the events that features declare. Refuses to start on a script whose header is missing, misspelt or not kept by its body.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isErrorCode } from '../errors.ts';
import { isKeyName } from '../keys.ts';

export interface Script {
  readonly name: string;
  readonly keys: readonly string[];
  /** Those of `keys` that have a name of their own; a last one that ends in `...` stands for keys which the caller gives. */
  readonly fixedKeys: readonly string[];
  readonly args: readonly string[];
  readonly fails: readonly string[];
  /** `<event type>/<version>` */
  readonly emits: readonly string[];
  readonly source: string;
  readonly sha: string;
}

/** A word in capitals, and what it lists. */
const HEADER_LINE = /^-- ([A-Z]{2,}) +(.+)$/;
const WORDS = ['KEYS', 'ARGV', 'FAIL', 'EMITS', 'FLAGS', 'INCLUDE'];
/** Key names that stand for more keys, which the caller gives. */
const OPEN_ENDED = '...';

/** By which command a message goes out: on a Cluster only to the servers of the channel's slot. */
export type Publish = 'PUBLISH' | 'SPUBLISH';

/** Reads every `*.lua` of a folder; in them PUBLISH is `publish`. Throws, naming the file, on the first header that does not hold. */
export function loadScripts(folder: URL, publish: Publish): ReadonlyMap<string, Script> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.lua'));
  return new Map(files.map((file) => [file.slice(0, -4), loadScript(folder, file.slice(0, -4), publish)]));
}

function loadScript(folder: URL, name: string, publish: Publish): Script {
  const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');
  const refuse = (reason: string) => new Error(`lua/${name}.lua: ${reason}`);
  const text = read(`${name}.lua`);
  if (!text.startsWith(`-- ${name} `)) throw refuse(`must begin with "-- ${name}" and what it does`);

  const header: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break;
    const match = HEADER_LINE.exec(line);
    if (!match) continue;
    if (!WORDS.includes(match[1]!)) throw refuse(`${match[1]} is no word of a header`);
    header[match[1]!] = match[2] === '-' ? [] : match[2]!.trim().split(/\s+/);
  }
  const { KEYS: keys, ARGV: args, FAIL: fails, EMITS: emits } = header;
  if (!keys || !args || !fails || !emits) throw refuse('the header needs KEYS, ARGV, FAIL and EMITS');

  const early = [keys, args].flatMap((names) => names.slice(0, -1)).find((entry) => entry.endsWith(OPEN_ENDED));
  if (early) throw refuse(`${early} must come last`);
  const unknownKey = keys.find((key) => !key.endsWith(OPEN_ENDED) && !isKeyName(key));
  if (unknownKey) throw refuse(`no key is called ${unknownKey}`);
  const unknownCode = fails.find((code) => !isErrorCode(code));
  if (unknownCode) throw refuse(`FAIL names ${unknownCode}, which is not in the error catalogue`);

  const include = (lib: string) => {
    if (!existsSync(new URL(`lib/${lib}.lua`, folder))) throw refuse(`there is no library lib/${lib}.lua`);
    return read(`lib/${lib}.lua`);
  };
  const library = (header['INCLUDE'] ?? []).map(include).join('\n');
  if (/\b(KEYS|ARGV)\b\[/.test(text + library)) throw refuse('uses KEYS[ or ARGV[ where the header has names');
  for (const emitted of text.matchAll(/append\('([a-z_.]+)', (\d+)/g)) {
    if (!emits.includes(`${emitted[1]}/${emitted[2]}`))
      throw refuse(`appends ${emitted[1]}/${emitted[2]}, which EMITS lacks`);
  }
  for (const refused of (text + library).matchAll(/'fail', '([a-z_]+)'/g)) {
    if (text.includes(refused[0]) && !fails.includes(refused[1]!))
      throw refuse(`fails with ${refused[1]}, which FAIL lacks`);
  }

  const unused = fails.find((code) => !(text + library).includes(`'fail', '${code}'`));
  if (unused) throw refuse(`never fails with ${unused}, which FAIL names`);

  const flags = header['FLAGS'] ? ` flags=${header['FLAGS'].join(',')}` : '';
  const body = `${usedOf(library, text)}\n${text}`;
  const constant = /\bPUBLISH\b/.test(body) ? `local PUBLISH = '${publish}'\n` : '';
  const whole = `${bind('KEYS', keys)}${bind('ARGV', args)}${constant}${body}`;
  const source = `#!lua${flags}\n${header['INCLUDE']?.includes('append') ? asTaken(include('taken'), whole) : whole}`;
  const fixedKeys = keys.filter((key) => !key.endsWith(OPEN_ENDED));
  return { name, keys, fixedKeys, args, fails, emits, source, sha: createHash('sha1').update(source).digest('hex') };
}

/** A script that appends, so that it is heard of where it breaks. */
const asTaken = (around: string, text: string): string =>
  `${around}\nlocal function act()\n${text}\nend\nreturn ended(pcall(act))\n`;

/** What a library defines: a function, on one line or up to an `end` in the first column, or a constant on one line. */
const DEFINITION = /^local (?:function (\w+)\((?:[^\n]*\bend|.*?^end)|([A-Z][A-Z_]*) = [^\n]*[^{(,\n])$/gms;
const COMMENT = /^ *--.*$/gm;

/** A library without what nobody mentions: Redis makes each function anew at every call of a script. */
function usedOf(library: string, text: string): string {
  const words = countWords(`${library}\n${text}`);
  const used = library.replace(DEFINITION, (whole, ...names: (string | undefined)[]) => {
    const name = (names[0] ?? names[1])!;
    return words.get(name)! > countWords(whole).get(name)! ? whole : '';
  });
  return used === library ? library : usedOf(used, text);
}

function countWords(source: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of source.replace(COMMENT, '').matchAll(/\w+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** `local a, b = KEYS[1], KEYS[2]`, and a loop for a last name that stands for all the rest. */
function bind(table: 'KEYS' | 'ARGV', names: readonly string[]): string {
  const fixed = names.filter((name) => !name.endsWith(OPEN_ENDED));
  const open = names.find((name) => name.endsWith(OPEN_ENDED))?.slice(0, -OPEN_ENDED.length);
  const values = fixed.map((_, i) => `${table}[${i + 1}]`);
  const line = fixed.length > 0 ? `local ${fixed.join(', ')} = ${values.join(', ')}\n` : '';
  if (open === undefined) return line;
  return `${line}local ${open} = {}\nfor i = ${fixed.length + 1}, #${table} do ${open}[i - ${fixed.length}] = ${table}[i] end\n`;
}

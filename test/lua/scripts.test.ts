/** The script loader refuses a header that does not hold, and what lies in lua/ is whole: it loads, its codes are known, it is tested. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { isErrorCode } from '../../src/errors.ts';
import { loadScripts } from '../../src/log/scripts.ts';
import { tempDir } from '../../src/redis/redis-server.ts';
import { useWorld } from '../support/world.ts';

const LUA = new URL('../../lua/', import.meta.url);

/** Called as if they ended something, but each time that they are asked they may append another event. */
const NEEDS_MEMORY = new Set(['presence.settle']);

const GOOD = `-- thing.do   does a thing
-- KEYS     log head feed
-- ARGV     request actor users...
-- FAIL     not_found
-- EMITS    thing.done/1
-- INCLUDE  one

if not two then return { 'fail', 'not_found' } end
return append('thing.done', 1, '{}')
`;

describe('the script loader', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await tempDir();
    mkdirSync(join(folder, 'lib'));
    writeFileSync(join(folder, 'lib', 'one.lua'), 'local two = 2\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const load = (text: string) => {
    writeFileSync(join(folder, 'thing.do.lua'), text);
    return loadScripts(pathToFileURL(`${folder}/`), 'PUBLISH').get('thing.do')!;
  };

  it('turns a header into code', () => {
    const script = load(GOOD.replace('-- INCLUDE', '-- FLAGS    allow-oom no-writes\n-- INCLUDE'));
    expect(script.keys).to.deep.equal(['log', 'head', 'feed']);
    expect(script.fails).to.deep.equal(['not_found']);
    expect(script.emits).to.deep.equal(['thing.done/1']);
    const lines = script.source.split('\n');
    expect(lines.slice(0, 6)).to.deep.equal([
      '#!lua flags=allow-oom,no-writes',
      'local log, head, feed = KEYS[1], KEYS[2], KEYS[3]',
      'local request, actor = ARGV[1], ARGV[2]',
      'local users = {}',
      'for i = 3, #ARGV do users[i - 2] = ARGV[i] end',
      'local two = 2',
    ]);
  });

  it('takes of a library what the script or what it takes mentions, and all that is done at once', () => {
    const library = [
      'local MOST = 3',
      'local LEAST = 1',
      '-- one MOST other LEAST',
      'local function one()',
      '  local function inner()',
      '  end',
      '  return MOST',
      'end',
      'local function short() return one() end',
      'local function other()',
      '  return LEAST + other()',
      'end',
      'local function last() return 1 end',
      'local now = last()',
      '',
    ];
    writeFileSync(join(folder, 'lib', 'one.lua'), library.join('\n'));
    const { source } = load(GOOD.replace('two', 'short()'));
    const kept = source.split('\n').filter((line) => library.includes(line) && line !== '');
    expect(kept).to.deep.equal(library.filter((line, i) => ![1, 9, 10, 11, 14].includes(i) && line !== ''));
    expect(source).not.to.include('other()');
  });

  it('reads empty lists', () => {
    const script = load('-- thing.do   does nothing\n-- KEYS  self\n-- ARGV  -\n-- FAIL  -\n-- EMITS -\nreturn 1\n');
    expect([script.args, script.fails, script.emits]).to.deep.equal([[], [], []]);
    expect(script.source.startsWith('#!lua\nlocal self = KEYS[1]\n')).to.equal(true);
  });

  const violations: [string, (text: string) => string, string][] = [
    ['another name', (t) => t.replace('thing.do ', 'thing.undo '), 'must begin with "-- thing.do"'],
    ['nothing at its head', () => 'return 1\n', 'must begin with "-- thing.do"'],
    ['no KEYS', (t) => t.replace(/-- KEYS.*\n/, ''), 'needs KEYS, ARGV, FAIL and EMITS'],
    ['no EMITS', (t) => t.replace(/-- EMITS.*\n/, ''), 'needs KEYS, ARGV, FAIL and EMITS'],
    ['a key of no name', (t) => t.replace('log head', 'log heads'), 'no key is called heads'],
    ['a code of no catalogue', (t) => t.replaceAll('not_found', 'not_there'), 'FAIL names not_there'],
    ['a refusal that FAIL lacks', (t) => t.replace('FAIL     not_found', 'FAIL     -'), 'fails with not_found'],
    ['a FAIL that it never gives', (t) => t.replace('FAIL     ', 'FAIL     forbidden '), 'never fails with forbidden'],
    ['an event that EMITS lacks', (t) => t.replace('EMITS    thing.done', 'EMITS    thing.made'), 'thing.done/1'],
    ['an event of another version', (t) => t.replace('done/1', 'done/2'), 'appends thing.done/1'],
    ['KEYS by number', (t) => `${t}redis.call('GET', KEYS[1])\n`, 'uses KEYS['],
    ['ARGV by number', (t) => `${t}return ARGV[1]\n`, 'uses KEYS[ or ARGV['],
    ['a misspelt word', (t) => t.replace('-- INCLUDE', '-- INCLUDES'), 'INCLUDES is no word of a header'],
    [
      'a word that nobody reads',
      (t) => t.replace('-- INCLUDE', '-- FLAG     allow-oom\n-- INCLUDE'),
      'FLAG is no word',
    ],
    ['a library that is not there', (t) => t.replace('INCLUDE  one', 'INCLUDE  none'), 'no library lib/none.lua'],
    ['an open list before its end', (t) => t.replace('actor users...', 'users... actor'), 'users... must come last'],
  ];
  for (const [what, broken, reason] of violations) {
    it(`refuses ${what}, naming the file`, () => {
      load(GOOD);
      expect(() => load(broken(GOOD)))
        .to.throw(Error)
        .with.property('message')
        .that.includes(reason)
        .and.match(/^lua\/thing\.do\.lua: /);
    });
  }
});

describe('every script of lua/', () => {
  const scripts = [...loadScripts(LUA, 'PUBLISH').values()];
  const files = readdirSync(LUA).filter((file) => file.endsWith('.lua'));
  const textOf = (name: string) => readFileSync(new URL(`${name}.lua`, LUA), 'utf8');

  it('is there once and has a header that holds', () => {
    expect(scripts.map((s) => `${s.name}.lua`).toSorted()).to.deep.equal(files.toSorted());
    expect(new Set(scripts.map((s) => s.sha)).size).to.equal(files.length);
  });

  it('fails only with codes of the catalogue, those of its libraries too', () => {
    const lib = readdirSync(new URL('lib/', LUA)).map((file) => textOf(`lib/${file.slice(0, -4)}`));
    for (const text of [...scripts.map((s) => textOf(s.name)), ...lib]) {
      for (const [, code] of text.matchAll(/'fail', '([^']+)'/g)) expect(isErrorCode(code!), code).to.equal(true);
    }
    for (const { name, fails } of scripts) {
      const text = textOf(name);
      if (/\brepeated\(\)/.test(text)) expect(fails, name).to.include('conflict');
      if (/\bGONE\b/.test(text)) expect(fails, name).to.include('not_found');
    }
  });

  it('looks for a repeat before it looks at anything that may have changed since', () => {
    const asking = scripts.map(({ name }) => textOf(name)).filter((text) => /\brepeated\(\)/.test(text));
    expect(asking).not.to.deep.equal([]);
    for (const text of asking) {
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('--'));
      expect(lines.slice(0, 2)).to.deep.equal(['local before = repeated()', 'if before then return before end']);
    }
  });

  it('works without memory where it ends, frees or takes back something', () => {
    const ending =
      /\.(remove|delete|end|revoke|revoke_others|leave|stop|release|unpin|depart|lapse|settle|trim|begin)$/;
    const ends = scripts.filter(({ name }) => ending.test(name) && !NEEDS_MEMORY.has(name));
    expect(ends.filter(({ source }) => !/^#!lua flags=\S*allow-oom/.test(source)).map((s) => s.name)).to.deep.equal([]);
  });

  it('has tests that are named after it', () => {
    const folder = new URL('../', import.meta.url);
    const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.test.ts'),
    );
    const titles = tests.flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const found = text.matchAll(/\b(?:describe|inBothWays)\(['`]([^'`]+)['`]/g);
      return [...found].flatMap((match) => match[1]!.split(/[ ,:]+/));
    });
    const covers = (title: string, name: string) => title === name || name.startsWith(`${title.replace(/\.\*$/, '')}.`);
    const untested = scripts.map((s) => s.name).filter((name) => !titles.some((title) => covers(title, name)));
    expect(untested).to.deep.equal([]);
  });

  describe('in Redis', () => {
    const world = useWorld();

    it('loads', async () => {
      for (const { name, source, sha } of scripts) {
        const loaded = await world.log.connection.commands.script('LOAD', source).catch((e: Error) => e.message);
        expect(loaded, name).to.equal(sha);
      }
    });
  });
});

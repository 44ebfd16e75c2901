/** The command line as operators and analysts use it: what is typed, what is answered, how it ends. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { progressLine } from '../scripts/chat/progress.ts';
import { projections } from '../src/chat/index.ts';
import { viewName } from '../src/views/projection.ts';
import { conversationStream } from '../src/keys.ts';
import { until } from '../src/redis/redis-server.ts';
import { chatIn, chatOn, json, lines } from './support/command-line.ts';
import type { Ended } from './support/command-line.ts';
import { eventsWritten } from './support/nothing-written.ts';
import { projected } from './support/projecting.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

describe('the command line', function () {
  this.timeout(60_000);
  const world = useWorld();
  const startNode = useNodes(world);
  const chat = chatIn(world);
  let ada: User;
  let user: string;
  let room: string;
  let other: string;
  beforeEach(async () => {
    ada = await register(await startNode());
    user = ada.id;
    [room, other] = [await group(ada), await group(ada)];
    for (const content of ['one', 'two', 'three']) await ada.rest.post(`/conversations/${room}/messages`, { content });
    await ada.rest.post(`/conversations/${other}/messages`, { content: 'elsewhere' });
    await projected(world);
  });

  /** The same as a process, whose output is closed after so many bytes. */
  function spawned(args: string[], readBytes = Infinity): Promise<Ended> {
    const env = { PATH: process.env['PATH'], ...world.environment };
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/chat.ts', ...args], { cwd: root, env });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (output.length >= readBytes) child.stdout.destroy();
    });
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, output, errors }));
    });
  }

  const logOf = async (id: string) => {
    const events = await world.log.readAfter(conversationStream(id), '0-0');
    return events.map(({ json }) => json.toString());
  };

  it('replay prints the very events: of one log, from an event on, of some types, of every log', async () => {
    const log = await logOf(room);
    const { id: after } = JSON.parse(log[1]!) as { id: string };
    const whole = await chat('replay', '--conversation', room);
    const rest = await chat('replay', '--conversation', room, '--after', after);
    const created = await chat('replay', '--all', '--types', 'conversation.created, user.registered');
    const all = await chat('replay', '--all');
    expect(lines(whole)).to.deep.equal(log);
    expect(lines(rest)).to.deep.equal(log.slice(2));
    const types = lines(created).map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types.toSorted()).to.deep.equal(['conversation.created', 'conversation.created', 'user.registered']);
    expect(lines(all)).to.include.members([...log, ...(await logOf(other))]);
    for (const { code, errors } of [whole, rest, created, all]) expect([code, errors]).to.deep.equal([0, '']);
  });

  it('is a process that ends quietly when whoever reads has seen enough, and with the code of what went wrong', async () => {
    const [enough, wrong, away] = await Promise.all([
      spawned(['replay', '--all'], 1),
      spawned(['verifi']),
      spawned(['admin', 'grant', 'nobody', '--json']),
    ]);
    expect(enough).to.deep.include({ code: 0, errors: '' });
    const said = "chat: unknown command 'verifi' (Did you mean verify?) (usage)\n";
    expect(wrong).to.deep.equal({ code: 2, output: '', errors: said });
    expect([away.code, JSON.parse(away.errors)]).to.deep.equal([
      1,
      { error: { code: 'not_found', detail: 'There is no user called nobody' } },
    ]);
  });

  it('replay into a file says in one line which log it cannot read, while others are still written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'replay-'));
    try {
      const [, later] = [room, other].toSorted();
      const log = world.log.keys.of(conversationStream(later!), 'log');
      await world.log.connection.commands.del(log);
      await world.log.connection.commands.set(log, 'no log');
      const { code, errors } = await spawned(['replay', '--all', '--to', join(folder, 'events.ndjson')]);
      expect([code, errors.split('\n').length], errors).to.deep.equal([1, 2]);
      expect(errors).to.match(/^chat: .*WRONGTYPE/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('lag, parked and verify say that nothing is wrong', async () => {
    // Groups that nobody waits for come a little later.
    await until('all groups are there', async () => (await chat('lag')).output === '0 events behind in all\n');
    expect(json(await chat('lag', '--json'))).to.deep.include({ projector: 'views', partition: 0, lag: 0 });
    expect(json(await chat('parked', '--json'))).to.deep.equal([]);
    expect((await chat('parked')).output).to.equal('0 streams stand still\n');
    expect(json(await chat('verify', '--json'))).to.deep.include({ streams: 3, differences: [] });
  });

  it('verify finds what was changed and ends with 1; rebuild mends it', async () => {
    const docs = world.log.keys.view(HISTORY, conversationStream(room), 'docs');
    await world.log.connection.commands.zadd(docs, 999, '{"id":"nonsense"}');
    const broken = await chat('verify');
    expect(broken.code).to.equal(1);
    const [difference, sum] = lines(broken) as [string, string];
    expect(difference).to.match(new RegExp(`^${HISTORY} of conversation ${room} at \\d+-4: `));
    expect(difference).to.include(`{"id":"nonsense"}: the log makes nothing, the key has 999 (${docs})`);
    expect(sum).to.match(/^3 logs, \d+ events, 1 difference, [\d,]+ events\/s$/);
    const rebuilt = await chat('rebuild', '--view', 'history');
    expect(rebuilt).to.deep.include({ code: 0, errors: '' });
    expect(rebuilt.output).to.match(
      new RegExp(`^was not as the log makes it:\n.*\n${HISTORY} +conversation +${room}\n`),
    );
    expect(rebuilt.output).to.match(
      new RegExp(`^${HISTORY}: built, 3 logs, \\d+ events in .*, [\\d,]+ events/s$`, 'm'),
    );
    expect(await chat('verify')).to.deep.include({ code: 0 });
    const whole = json<{ views: string[]; differing: object[] }>(await chat('rebuild', '--all', '--json'));
    expect(whole.views).to.deep.equal(projections.map(viewName));
    expect(whole.differing).to.deep.equal([]);
    expect((await chat('rebuild', '--view', 'history', 'cards', '--back')).code).to.equal(0);
    expect((await chat('rebuild', '--all', '--drop')).output).to.match(/: dropped, 3 logs/);
    expect(await chat('verify')).to.deep.include({ code: 0 });
    expect((await chat('rebuild', '--all', '--partition', '4')).errors).to.include('there are partitions 0 to 3');
  });

  it('groups lists who follows the feeds, and forgets who does not any more', async () => {
    const redis = world.log.connection.commands;
    for (const p of [0, 1, 2, 3]) {
      await redis.hset(world.log.keys.at(p, 'checkpoints'), 'retired', '1-1');
      await redis.hset(world.log.keys.at(p, 'parked'), 'retired conversation x', '{}', 'retirement home x', '{}');
      await redis.xgroup('CREATE', world.log.keys.at(p, 'feed'), 'theirs', '0', 'MKSTREAM');
    }
    const listed = json<{ name: string; lag: number }[]>(await chat('groups', 'list', '--json'));
    expect(listed).to.deep.include({ name: 'views', ours: true, workers: 1, lag: 0 });
    const [retired, theirs] = ['retired', 'theirs'].map((name) => listed.find((group) => group.name === name));
    expect(retired).to.include({ ours: true, workers: 0 });
    expect(theirs).to.include({ ours: false, workers: 0 });
    expect(Math.min(retired!.lag, theirs!.lag)).to.be.above(5);
    const working = await chat('groups', 'remove', 'views');
    const said = 'chat: 1 of its workers are at work: stop them first (conflict)\n';
    expect([working.code, working.errors]).to.deep.equal([1, said]);
    for (const name of ['retired', 'theirs']) expect((await chat('groups', 'remove', name)).code).to.equal(0);
    const left = await chat('groups');
    expect(left.output)
      .to.match(/^views +Rill +1 +0$/m)
      .and.not.match(/retired|theirs/);
    expect(await redis.hkeys(world.log.keys.at(0, 'parked'))).to.deep.equal(['-', 'retirement home x']);
    const gone = await chat('groups', 'remove', 'retired');
    expect(gone.errors).to.equal('chat: There is no group retired (not_found)\n');
  });

  it('says in one line what is wrong with what was typed, and ends with 2, or 1 where it is not there', async () => {
    const nobody = '0'.repeat(26);
    const cases: [args: string[], said: string, code: number][] = [
      [['replay'], 'name one of --conversation, --user, --partition and --all', 2],
      [['replay', '--all', '--user', user], 'name one of --conversation, --user, --partition and --all', 2],
      [['replay', '--all', '--after', '1-1'], '--after is an event of one stream', 2],
      [['replay', '--all', '--since', 'yesterday'], 'yesterday is no time: 2026-01-31T12:00:00Z, or 90s', 2],
      [['replay', '--partition', '4'], 'there are partitions 0 to 3', 2],
      [['replay', '--all', '--resume'], '--resume goes on with a file', 2],
      [['tail', '--user', user, '--conversation', room], 'name one of --conversation and --user', 2],
      [['parked', 'retry'], 'name one that is parked, or --all', 2],
      [['parked', 'show', 'history:v2', 'user', user], `nothing is parked as history:v2 user ${user} (not_found)`, 1],
      [['parked', 'skip', 'x'], "required option '--reason <text>' not specified (usage)", 2],
      [['stats', '--hours', '0'], '--hours must be a number from 1 to 744', 2],
      [['tail', '--limit', '1.5'], '--limit must be a number above 0', 2],
      [['replay', '--partition', 'x'], 'there are partitions 0 to 3', 2],
      [['inspect', 'message', nobody], `no conversation has a message ${nobody}`, 1],
      [['replay', '--user', nobody], `there is no user ${nobody} (not_found)`, 1],
      [['replay', '--conversation', 'x{y}'], 'x{y} is not the id of a conversation: ids are ULIDs (usage)', 2],
      [['replay', '--user', user, '--after', 'x'], 'x is not an event id', 2],
      [['replay', '--all', '--types', 'message.eaten'], 'no event is called message.eaten: user.registered,', 2],
      [['inspect', 'room', room], 'inspect conversation ID, user ID, or message ID', 2],
      [['inspect', 'user', room], `there is no user ${room}`, 1],
      [['rebuild', '--view', 'nothing'], 'name a --view that exists, or --all', 2],
    ];
    for (const [args, said, code] of cases) {
      const ended = await chat(...args);
      expect([ended.code, ended.output, ended.errors.split('\n').length], args.join(' ')).to.deep.equal([code, '', 2]);
      expect(ended.errors, args.join(' ')).to.include(said);
    }
  });

  it('rules try says what would have been refused and how often, and changes nothing', async () => {
    for (const content of ['buy SPAM now', 'see https://a.example', 'spam https://b.example'])
      await ada.rest.post(`/conversations/${room}/messages`, { content });
    const before = await eventsWritten(world);
    const rules = ['--words', 'spam,elsewhere', '--no-links', '--json'];
    const here = await chat('rules', 'try', '--conversation', room, ...rules);
    const everywhere = await chat('rules', 'try', '--all', '--show', '1', ...rules);
    const plain = await chat('rules', 'try', '--conversation', room, '--no-links');
    expect(here.code, here.errors).to.equal(0);
    const found = json<{ items: { content: string; rule: string }[] }>(here);
    expect(found).to.deep.include({ texts: 6, refused: 3, by_rule: { words: 2, links: 1 } });
    expect(found.items.map(({ rule, content }) => [rule, content])).to.deep.equal([
      ['words', 'buy SPAM now'],
      ['links', 'see https://a.example'],
      ['words', 'spam https://b.example'],
    ]);
    const all = json<{ items: object[] }>(everywhere);
    expect(all).to.deep.include({ texts: 7, refused: 4, by_rule: { words: 3, links: 1 } });
    expect(all.items).to.have.length(1);
    expect(lines(plain)).to.have.length(4);
    expect(lines(plain).at(-1)).to.equal('2 of 6 texts would have been refused: links 2');
    for (const args of [['--all'], ['--all', '--words', '*'], ['--no-links']]) {
      const refused = await chat('rules', 'try', ...args);
      expect(refused.code).to.equal(2);
      expect(refused.errors).to.match(/name a rule|"\*" has no letter|name one of/);
    }
    expect(await eventsWritten(world)).to.equal(before);
  });

  it('every command tells what it is for, with examples; the docs name them all, and the image has them', async () => {
    const namesIn = ({ output }: Ended) =>
      [...output.slice(output.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)]
        .map((match) => match[1]!)
        .filter((name) => name !== 'help');
    const docs = await readFile(join(root, 'docs/operations.md'), 'utf8');
    const whole = await chat('--help');
    expect(whole.code).to.equal(0);
    expect(namesIn(whole)).to.include.members(['inspect', 'tail', 'replay', 'rebuild', 'verify', 'stats', 'doctor']);
    for (const name of namesIn(whole)) {
      const help = await chat(name, '--help');
      expect([name, help.code, help.errors]).to.deep.equal([name, 0, '']);
      expect(docs, name).to.match(new RegExp(`^\\| \`${name}\\b`, 'm'));
      const parts = help.output.includes('Commands:') ? namesIn(help).map((part) => [name, part]) : [[name]];
      for (const words of parts)
        expect((await chat(...words, '--help')).output, words.join(' ')).to.include('Examples:');
    }
    expect(await readFile(join(root, 'Dockerfile'), 'utf8')).to.match(
      /dist\/scripts\/chat\.js .*\/usr\/local\/bin\/chat/,
    );
  });
});

describe('the command line where no log is', () => {
  it('says so with a code, and at once', async () => {
    const nothing = await chatOn(() => ({ DATA_DIR: '/nowhere' }))('lag');
    expect([nothing.code, nothing.errors]).to.deep.equal([
      1,
      'chat: no server has used /nowhere yet: start one, or set DATA_DIR, REDIS_URL or REDIS_CLUSTER_NODES (no_data)\n',
    ]);
    const wrong = await chatOn(() => ({ REDIS_URL: 'nonsense', PORT: 'x' }))('lag');
    expect(wrong.code).to.equal(1);
    expect(wrong.errors).to.match(/^chat: .*PORT must be integer.*\(settings\)\n$/);
  });
});

describe('progress', () => {
  it('tells rate and time left', () => {
    expect(progressLine({ done: 250, of: 1_000, what: 'logs', ms: 2_000 })).to.equal(
      '[######------------------] 250 of 1,000 logs, 125 logs/s, 6.0 s left',
    );
    expect(progressLine({ done: 12_345, of: undefined, what: 'events', ms: 10_000 })).to.equal(
      '12,345 events, 1,235 events/s',
    );
  });
});

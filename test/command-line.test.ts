/** The command line as operators and analysts use it: a process, its output, its end. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import { conversationStream } from '../src/keys.ts';
import { eventsWritten } from './support/nothing-written.ts';
import { projected } from './support/projecting.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

describe('the command line', function () {
  this.timeout(60_000);
  const world = useWorld();
  const startNode = useNodes(world);
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

  /** Runs to the end; no secret is given, since none is needed. `readBytes`: closes the output after so many. */
  function chat(args: string[], readBytes = Infinity): Promise<Ended> {
    const environment = { PATH: process.env['PATH'], PARTITIONS: '4', ...world.environment };
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/chat.ts', ...args], {
      cwd: root,
      env: environment,
    });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (output.length >= readBytes) child.stdout.destroy();
    });
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, output, errors }));
    });
  }

  const lines = ({ output }: Ended) => output.split('\n').filter(Boolean);
  const logOf = async (id: string) => {
    const events = await world.log.readAfter(conversationStream(id), '0-0');
    return events.map(({ json }) => json.toString());
  };

  it('replay prints the very events: of one log, from an event on, of some types, of every log', async () => {
    const log = await logOf(room);
    const { id: after } = JSON.parse(log[1]!) as { id: string };
    const [whole, rest, created, all] = await Promise.all([
      chat(['replay', '--conversation', room]),
      chat(['replay', '--conversation', room, '--after', after]),
      chat(['replay', '--all', '--types', 'conversation.created, user.registered']),
      chat(['replay', '--all']),
    ]);
    expect(lines(whole)).to.deep.equal(log);
    expect(lines(rest)).to.deep.equal(log.slice(2));
    const types = lines(created).map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types.toSorted()).to.deep.equal(['conversation.created', 'conversation.created', 'user.registered']);
    expect(lines(all)).to.include.members([...log, ...(await logOf(other))]);
    expect([whole, rest, created, all].map(({ code, errors }) => [code, errors])).to.deep.equal(
      Array.from({ length: 4 }, () => [0, '']),
    );
  });

  it('ends quietly when whoever reads has seen enough', async () => {
    expect(await chat(['replay', '--all'], 1)).to.deep.include({ code: 0, errors: '' });
  });

  it('inspect shows where things stand; lag, parked and verify say that nothing is wrong', async () => {
    const [inspected, lag, lags, parked, verified] = await Promise.all([
      chat(['inspect', 'conversation', room]),
      chat(['lag']),
      chat(['lag', '--json']),
      chat(['parked', '--json']),
      chat(['verify', '--json']),
    ]);
    expect(inspected.output).to.include(world.log.keys.of(conversationStream(room), 'log'));
    expect(inspected.output).to.include('head       messages 3').and.to.include(`members    ${user} owner`);
    expect(lines(inspected).slice(-4)).to.deep.equal(await logOf(room));
    expect(lag.output).to.equal('0 events behind in all\n');
    expect(JSON.parse(lags.output)).to.deep.include({ projector: 'views', partition: 0, lag: 0 });
    expect(JSON.parse(parked.output)).to.deep.equal([]);
    expect(JSON.parse(verified.output)).to.deep.include({ streams: 3, differences: [] });
  });

  it('verify finds what was changed and ends with 1; rebuild mends it', async () => {
    const docs = world.log.keys.view('history:v2', conversationStream(room), 'docs');
    await world.log.connection.commands.zadd(docs, 999, '{"id":"nonsense"}');
    const broken = await chat(['verify']);
    expect(broken.code).to.equal(1);
    const [difference, sum] = lines(broken) as [string, string];
    expect(difference).to.match(new RegExp(`^history:v2 of conversation ${room} at \\d+-4: `));
    expect(difference).to.include(`{"id":"nonsense"}: the log makes nothing, the key has 999 (${docs})`);
    expect(sum).to.match(/^3 logs, \d+ events, 1 difference$/);
    const rebuilt = await chat(['rebuild', '--view', 'history']);
    expect(rebuilt).to.deep.include({ code: 0, errors: '' });
    expect(rebuilt.output).to.match(/^history: \d+ events in \d/);
    expect(await chat(['verify'])).to.deep.include({ code: 0 });
    const whole = await chat(['rebuild', '--all']);
    expect(whole.output).to.include(projections.map(({ name }) => name).join(', '));
  });

  it('groups lists who follows the feeds, and forgets who does not any more', async () => {
    const redis = world.log.connection.commands;
    for (const p of [0, 1, 2, 3]) {
      await redis.hset(world.log.keys.at(p, 'checkpoints'), 'retired', '1-1');
      await redis.hset(world.log.keys.at(p, 'parked'), 'retired conversation x', '{}', 'retirement home x', '{}');
      await redis.xgroup('CREATE', world.log.keys.at(p, 'feed'), 'theirs', '0', 'MKSTREAM');
    }
    const listed = JSON.parse((await chat(['groups', 'list', '--json'])).output) as { name: string; lag: number }[];
    expect(listed).to.deep.include({ name: 'views', ours: true, workers: 1, lag: 0 });
    const [retired, theirs] = ['retired', 'theirs'].map((name) => listed.find((group) => group.name === name));
    expect(retired).to.include({ ours: true, workers: 0 });
    expect(theirs).to.include({ ours: false, workers: 0 });
    expect(Math.min(retired!.lag, theirs!.lag)).to.be.above(5);
    const working = await chat(['groups', 'remove', 'views']);
    expect([working.code, working.errors]).to.deep.equal([1, '1 of its workers are at work: stop them first\n']);
    for (const name of ['retired', 'theirs']) expect((await chat(['groups', 'remove', name])).code).to.equal(0);
    const left = await chat(['groups', 'list']);
    expect(left.output)
      .to.include('views: 1 worker, 0 behind')
      .and.not.match(/retired|theirs/);
    expect(await redis.hkeys(world.log.keys.at(0, 'parked'))).to.deep.equal(['-', 'retirement home x']);
    expect((await chat(['groups', 'remove', 'retired'])).errors).to.equal('There is no group retired\n');
  });

  it('says in one line what is wrong with what was typed, and ends with 1', async () => {
    const nobody = '0'.repeat(26);
    const cases: [args: string[], said: string][] = [
      [['replay'], 'name one of --conversation, --user and --all'],
      [['replay', '--all', '--user', user], 'name one of --conversation, --user and --all'],
      [['replay', '--user', nobody], `there is no user ${nobody}`],
      [['replay', '--conversation', 'x{y}'], 'x{y} is not the id of a conversation: ids are ULIDs'],
      [['replay', '--user', user, '--after', 'x'], 'x is not an event id'],
      [['replay', '--all', '--types', 'message.eaten'], 'no event is called message.eaten: user.registered,'],
      [['inspect', 'room', room], 'inspect conversation ID, or user ID'],
      [['inspect', 'user', room], `there is no user ${room}`],
      [['rebuild', '--view', 'nothing'], 'name a --view that exists, or --all'],
    ];
    const ended = await Promise.all(cases.map(([args]) => chat(args)));
    for (const [i, { code, output, errors }] of ended.entries()) {
      const [args, said] = cases[i]!;
      expect([code, output, errors.split('\n').length], args.join(' ')).to.deep.equal([1, '', 2]);
      expect(errors, args.join(' ')).to.include(said);
    }
  });

  it('rules try says what would have been refused and how often, and changes nothing', async () => {
    for (const content of ['buy SPAM now', 'see https://a.example', 'spam https://b.example'])
      await ada.rest.post(`/conversations/${room}/messages`, { content });
    const before = await eventsWritten(world);
    const rules = ['--words', 'spam,elsewhere', '--no-links', '--json'];
    const [here, everywhere, plain, none, wrong, nowhere] = await Promise.all([
      chat(['rules', 'try', '--conversation', room, ...rules]),
      chat(['rules', 'try', '--all', '--show', '1', ...rules]),
      chat(['rules', 'try', '--conversation', room, '--no-links']),
      chat(['rules', 'try', '--all']),
      chat(['rules', 'try', '--all', '--words', '*']),
      chat(['rules', 'try', '--no-links']),
    ]);
    expect(here.code, here.errors).to.equal(0);
    const found = JSON.parse(here.output) as { items: { content: string; rule: string }[] };
    expect(found).to.deep.include({ texts: 6, refused: 3, by_rule: { words: 2, links: 1 } });
    expect(found.items.map(({ rule, content }) => [rule, content])).to.deep.equal([
      ['words', 'buy SPAM now'],
      ['links', 'see https://a.example'],
      ['words', 'spam https://b.example'],
    ]);
    const all = JSON.parse(everywhere.output) as { items: object[] };
    expect(all).to.deep.include({ texts: 7, refused: 4, by_rule: { words: 3, links: 1 } });
    expect(all.items).to.have.length(1);
    expect(lines(plain)).to.have.length(3);
    expect(lines(plain).at(-1)).to.equal('2 of 6 texts would have been refused: links 2');
    for (const refused of [none, wrong, nowhere]) {
      expect(refused.code).to.equal(1);
      expect(refused.errors).to.match(/name a rule|"\*" has no letter|name one of/);
    }
    expect(await eventsWritten(world)).to.equal(before);
  });
});

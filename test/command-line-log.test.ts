/** Commands that look at logs: where a message went, what was once, what happens now, all that happened, how much there is. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sparkline, table } from '../scripts/chat/printing.ts';
import { conversationStream, kindOfKey, userStream } from '../src/keys.ts';
import { until } from '../src/redis/redis-server.ts';
import { chatIn, chatOn, json, lines } from './support/command-line.ts';
import { projected } from './support/projecting.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { topologies, useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

interface Message {
  readonly id: string;
  readonly event_id: string;
}

interface Whereabouts {
  readonly command: { request_id: string; actor_id: string };
  readonly event: { id: string; seq: number };
  readonly later: { type: string }[];
  readonly views: { view: string; behind: number; parked: object | null }[];
  readonly groups: { group: string; behind: number }[];
  readonly deliveries: { members: { user_id: string; delivered: boolean; read: boolean }[]; devices: object[] };
  readonly document: { content: string };
}

for (const topology of topologies) {
  describe(`the command line about logs on ${topology}`, function () {
    this.timeout(60_000);
    const world = useWorld(topology);
    const startNode = useNodes(world);
    const chat = chatIn(world);
    let [ada, bob] = [] as unknown as [User, User];
    let room: string;
    let first: Message;
    const send = async (content: string, to = room) =>
      (await ada.rest.post(`/conversations/${to}/messages`, { content })).body as unknown as Message;
    beforeEach(async () => {
      const node = await startNode();
      [ada, bob] = [await register(node), await register(node)];
      room = await group(ada, bob);
      first = await send('one');
      await send('two');
    });

    it('inspect message tells the command, the event, what came after, each view, each group, and whom it reached', async () => {
      const phone = await bob.socket('?device_id=phone');
      await ada.rest.call('PATCH', `/conversations/${room}/messages/${first.id}`, { content: 'one, mended' });
      await bob.rest.post(`/conversations/${room}/read`, {});
      await projected(world);
      const found = json<Whereabouts>(await chat('inspect', 'message', first.id, '--json'));
      expect(found.command).to.include({ actor_id: ada.id });
      expect(found.event.id).to.equal(first.event_id);
      expect(found.later.map(({ type }) => type)).to.deep.equal(['message.edited']);
      expect(found.views.find(({ view }) => view === HISTORY)).to.deep.include({ behind: 0, parked: null });
      expect(found.groups).to.deep.include({ group: 'views', behind: 0 });
      const marks = found.deliveries.members.map(({ user_id, read }) => [user_id, read]);
      expect(marks).to.have.deep.members([
        [ada.id, true],
        [bob.id, true],
      ]);
      expect(found.document.content).to.equal('one, mended');
      const then = await chat(
        'inspect',
        'message',
        first.id,
        '--conversation',
        room,
        '--as-of',
        first.event_id,
        '--json',
      );
      expect(json<Whereabouts>(then).document.content).to.equal('one');
      const { output, code } = await chat('inspect', 'message', first.id);
      expect(code).to.equal(0);
      expect(output)
        .to.match(/^command +message\.send by /m)
        .and.to.match(new RegExp(`^${HISTORY} +has it `, 'm'))
        .and.to.match(/^views +has it$/m)
        .and.to.include('read by 2 of 2 members');
      await phone.close();
    });

    it('inspect tells of conversations and users, now and then', async () => {
      await projected(world);
      const now = await chat('inspect', 'conversation', room);
      expect(now.output).to.include(world.log.keys.of(conversationStream(room), 'log'));
      expect(now.output)
        .to.match(/^messages +2$/m)
        .and.to.match(new RegExp(`^${ada.id} +owner`, 'm'))
        .and.to.match(/message\.sent +\S+ +\{"message_id".*"two"/);
      const then = json<{ views: Record<string, { count: number; newest: { content: string }[] }> }>(
        await chat('inspect', 'conversation', room, '--as-of', first.event_id, '--json'),
      );
      expect(then.views['history']!.newest.at(-1)!.content).to.equal('one');
      expect(then.views['participants']!.count).to.equal(2);
      const nothing = await chat('inspect', 'conversation', room, '--as-of', '7d');
      expect(nothing.output).to.match(/^history +0$/m);
      const user = json<{ conversations: object }>(await chat('inspect', 'user', ada.id, '--json'));
      expect(Object.keys(user.conversations)).to.deep.equal([room]);
    });

    it('tail prints what happens as it happens, and nothing else', async () => {
      const stopping = new AbortController();
      const all = chatOn(() => world.environment, stopping.signal)('tail');
      const some = chat('tail', '--conversation', room, '--types', 'message.sent', '--limit', '2', '--json');
      const other = await group(ada);
      // What is sent before it listens is not tailed.
      let count = 0;
      let isOver = false;
      void some.then(() => (isOver = true));
      await until('two were tailed', async () => {
        await send('elsewhere', other);
        await send(`message ${(count += 1)}`);
        return isOver;
      });
      const contents = lines(await some).map(
        (line) => (JSON.parse(line) as { data: { content: string } }).data.content,
      );
      expect(contents).to.have.length(2);
      const at = Number(contents[0]!.split(' ')[1]);
      expect(contents).to.deep.equal([`message ${at}`, `message ${at + 1}`]);
      stopping.abort();
      const whole = await all;
      expect([whole.code, whole.errors]).to.deep.equal([0, '']);
      expect(whole.output).to.match(
        new RegExp(`^\\S+Z  conversation ${other}  \\S+  message\\.sent  by ${ada.id} `, 'm'),
      );
    });

    it('replay goes on with a file where a run that died left it', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'replay-'));
      try {
        const file = join(folder, 'events.ndjson');
        const read = async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean);
        const whole = await chat('replay', '--all', '--to', file);
        expect(whole.output).to.match(/^\d+ events into .*events\/s\n$/);
        const events = await read();
        expect(events).to.deep.equal(lines(await chat('replay', '--all')));
        expect((await chat('replay', '--all', '--to', file)).errors).to.match(/is there already.*\(conflict\)/);
        for (const left of [1, 4, events.length - 1]) {
          await writeFile(file, `${events.slice(0, left).join('\n')}\n${events[left]!.slice(0, 40)}`);
          expect((await chat('replay', '--all', '--to', file, '--resume')).code).to.equal(0);
          expect(await read()).to.deep.equal(events);
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('replay is of a partition, and since a time', async () => {
      const partition = world.log.keys.partitionOf(room);
      const ids = lines(await chat('replay', '--partition', String(partition))).map((line) => {
        const event = JSON.parse(line) as { conversation_id?: string; user_id?: string };
        return event.conversation_id ?? event.user_id!;
      });
      expect(ids).to.include(room);
      expect(ids.every((id) => world.log.keys.partitionOf(id) === partition)).to.equal(true);
      const all = lines(await chat('replay', '--all'));
      expect(lines(await chat('replay', '--all', '--since', '1h'))).to.deep.equal(all);
      const at = new Date(Number(first.event_id.split('-')[0])).toISOString();
      const since = lines(await chat('replay', '--conversation', room, '--since', at));
      expect(since.some((line) => line.includes(first.event_id))).to.equal(true);
      expect(lines(await chat('replay', '--all', '--since', '2999-01-01T00:00:00Z'))).to.deep.equal([]);
    });

    it('stats counts by type and hour, names the largest conversations, and weighs every kind of key', async () => {
      const found = json<{
        types: Record<string, number[]>;
        largest: { conversation_id: string; messages: number; members: number }[];
        kinds: { kind: string; keys: number; bytes: number }[];
      }>(await chat('stats', '--hours', '2', '--json'));
      expect(found.types['message.sent']!.reduce((a, b) => a + b)).to.equal(2);
      expect(found.types['user.registered']!.length).to.equal(2);
      expect(found.largest).to.deep.equal([
        { conversation_id: room, messages: 2, events: found.largest[0]!['events' as never], members: 2 },
      ]);
      const kinds = new Map(found.kinds.map(({ kind, keys, bytes }) => [kind, { keys, bytes }]));
      expect(kinds.get('user:events')!.keys).to.equal(2);
      expect(kinds.get('conversation:events')!.bytes).to.be.above(100);
      const { output } = await chat('stats');
      expect(output)
        .to.match(/^message\.sent +2 +[▁-█]$/m)
        .and.to.match(new RegExp(`^${room} +2 `, 'm'))
        .and.to.match(/^feed +4 /m);
    });

    it('doctor finds an installation well, and names what is not with what to do', async () => {
      await projected(world);
      const findings = json<{ check: string; state: string; advice?: string }[]>(await chat('doctor', '--json'));
      const problems = findings.filter(({ state }) => state === 'problem').map(({ check }) => check);
      // The test gives no secret, as the command line needs none; and asks for other partitions than there are.
      expect(problems).to.deep.equal(['settings', 'partitions']);
      const well = { ...world.environment, SECRET_KEY: 'x'.repeat(32), PARTITIONS: '4' };
      expect((await chatOn(() => well)('doctor')).output).to.match(/^0 problems, /m);
      const { commands } = world.log.connection;
      await commands.hset(world.log.keys.at(0, 'parked'), `${HISTORY} conversation ${room}`, '{"event_id":"1-1"}');
      const rows = await commands.xrange(world.log.keys.of(userStream(ada.id), 'log'), '-', '+');
      await commands.del(world.log.keys.of(userStream(ada.id), 'log'));
      for (const [id, fields] of rows)
        await commands.xadd(
          world.log.keys.of(userStream(ada.id), 'log'),
          id,
          ...fields.map((text) => text.replaceAll('"user', '"User')),
        );
      const ill = await chatOn(() => well)('doctor');
      expect(ill.code).to.equal(1);
      expect(ill.output)
        .to.match(/^parked +PROBLEM +1 stream stands still$/m)
        .and.to.match(/^chains +PROBLEM .* 1 broken$/m)
        .and.to.match(/^parked: `chat parked` says which/m);
    });
  });
}

describe('doctor where Redis is not there or not right', function () {
  this.timeout(30_000);
  const world = useWorld();
  it('says so', async () => {
    const away = await chatOn(() => ({ REDIS_URL: 'redis://127.0.0.1:1', SECRET_KEY: 'x'.repeat(32) }))('doctor');
    expect(away.code).to.equal(1);
    expect(away.output)
      .to.match(/^Redis +PROBLEM +Redis does not answer/m)
      .and.to.match(/^Redis: see whether Redis runs/m);
    const { commands } = world.log.connection;
    await commands.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      const evicting = await chatIn(world)('doctor');
      expect(evicting.code).to.equal(1);
      expect(evicting.output)
        .to.match(/^memory +PROBLEM/m)
        .and.to.match(/^memory: .*maxmemory-policy noeviction/m);
    } finally {
      await commands.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    }
  });
});

describe('what commands print', () => {
  it('tables are as wide as they need, numbers stand right, nothing breaks a line', () => {
    expect(
      table(
        ['name', 'count'],
        [
          ['a\nb', 1_234],
          ['long name', 5],
        ],
      ),
    ).to.equal('name       count\na b        1,234\nlong name      5\n');
    expect(table(['name'], [])).to.equal('');
    expect(sparkline([0, 1, 4, 8])).to.equal(' ▁▄█');
  });

  it('keys are known by what they are for', () => {
    const kinds = [
      'chat:{0.1}:conversation:01K:events',
      'chat:{0.1}:view:history:v2b:01K:docs',
      'chat:{0.1}:feed:head',
    ];
    expect(kinds.map(kindOfKey)).to.deep.equal(['conversation:events', 'view:history:v2', 'feed:head']);
    expect(['chat:sides', 'chat:{0.1}:login:ada:attempts'].map(kindOfKey)).to.deep.equal(['sides', 'login:attempts']);
  });
});

/** The channels that every new account comes into: made once, joined once, left for good; and `member.enroll`, by which they come in. */
import { expect } from 'chai';
import { defaultChannelId } from '../../src/chat/conversations/default-channels.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { allTimers } from '../support/passing.ts';
import { Room, user } from '../support/rooms.ts';
import { register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const BOTH = { DEFAULT_CHANNELS: 'general, Off Topic' };
const GENERAL = defaultChannelId('general');
const OFF_TOPIC = defaultChannelId('Off Topic');

describe('default channels', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const mine = async (who: User): Promise<Json[]> =>
    (await who.rest.get<{ items: Json[] }>('/conversations')).body.items;
  const isIn = (who: User, count: number) =>
    until('the channels are joined', async () => (await mine(who)).length === count, 8_000);
  const welcomed = () =>
    until('everybody is welcomed', async () => !(await allTimers(world)).some((t) => t.startsWith('welcome ')), 8_000);
  const typesOf = async (id: string) =>
    (await world.log.readAfter(conversationStream(id), '0-0')).map(({ type }) => type);

  it('an account comes into each soon after it was made', async () => {
    const node = await startNode(BOTH);
    const ada = await register(node);
    await isIn(ada, 2);
    const names = (await mine(ada)).map((c) => [c['id'], c['name'], c['type'], c['role']]);
    expect(names).to.have.deep.members([
      [GENERAL, 'general', 'channel', 'member'],
      [OFF_TOPIC, 'Off Topic', 'channel', 'member'],
    ]);
    const listed = await ada.rest.get<{ items: Json[] }>('/channels');
    expect(listed.body.items.map(({ name }) => name)).to.deep.equal(['general', 'Off Topic']);
    expect((await ada.rest.post(`/conversations/${GENERAL}/messages`, { content: 'hello' })).status).to.equal(201);
    expect((await ada.rest.call('DELETE', `/conversations/${GENERAL}`)).status).to.equal(403);
  });

  it('many who come at once over two nodes make one channel and are all in it, each once', async () => {
    const nodes = [await startNode(BOTH), await startNode(BOTH)];
    const people = await Promise.all(Array.from({ length: 12 }, (_, n) => register(nodes[n % 2]!)));
    await Promise.all(people.map((who) => isIn(who, 2)));
    const types = await typesOf(GENERAL);
    expect(types.filter((type) => type === 'conversation.created')).to.have.length(1);
    expect(types.filter((type) => type === 'participant.added')).to.have.length(11);
    expect((await mine(people[0]!)).map((c) => c['member_count'])).to.deep.equal([12, 12]);
  });

  it('registering waits for nobody: without a worker it is done at once, and made up for when one comes', async () => {
    const alone = await startNode({ ...BOTH, ROLES: 'api,gateway' });
    const ada = await register(alone);
    expect(await mine(ada)).to.deep.equal([]);
    await startNode({ ...BOTH, ROLES: 'projector' });
    await isIn(ada, 2);
  });

  it('who has left one is not brought back, also where the timer fires again', async () => {
    const node = await startNode(BOTH);
    const ada = await register(node);
    await isIn(ada, 2);
    await welcomed();
    await ada.rest.post(`/conversations/${GENERAL}/leave`);
    const { commands } = world.log.connection;
    await commands.zadd(world.log.keys.of(userStream(ada.id), 'timers'), 1, `welcome ${ada.id}`);
    await welcomed();
    expect((await mine(ada)).map(({ id }) => id)).to.deep.equal([OFF_TOPIC]);
  });

  it('an admin of the server comes in as an admin, and none come where none are wanted', async () => {
    const node = await startNode({ ...BOTH, ADMIN_USERNAMES: 'root' });
    const root = await register(node, 'root');
    await isIn(root, 2);
    expect((await mine(root)).map(({ role }) => role)).to.deep.equal(['admin', 'admin']);
    const none = await startNode({ DEFAULT_CHANNELS: '' });
    await register(none);
    expect((await allTimers(world)).filter((t) => t.startsWith('welcome '))).to.deep.equal([]);
  });
});

describe('member.enroll', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(() => {
    room = new Room(world);
  });
  const enroll = (who: number, role = 'member') => room.run('member.enroll', who, { role }, { knowsRepeats: true });

  it('brings somebody in, once', async () => {
    await room.create({ kind: 'channel' });
    const expected: [string, unknown][] = [['participant.added', { user_id: user(9), role: 'admin' }]];
    await room.appends(() => enroll(9, 'admin'), expected);
    expect((await room.changesNothing(() => enroll(9))).status).to.equal('unchanged');
  });

  it('says where there is no channel, and passes over one that is gone or archived, and who is banned', async () => {
    expect(await room.refusal(() => enroll(9))).to.equal('not_found');
    await room.create({ kind: 'channel' });
    await room.ban(1, 9);
    expect((await room.changesNothing(() => enroll(9))).status).to.equal('unchanged');
    await room.archive(1);
    expect((await room.changesNothing(() => enroll(8))).status).to.equal('unchanged');
    await room.delete(1);
    expect((await room.changesNothing(() => enroll(8))).status).to.equal('unchanged');
  });
});

/** A client that stores nothing and names its device gets what it missed, in order, without a gap and without what it got before. */
import { expect } from 'chai';
import { conversationStream, userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Frame, Socket } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('what reaches a device', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let room: string;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    room = await group(ada, bob);
  });

  const write = async (content: string, id = room) => {
    expect((await ada.rest.post(`/conversations/${id}/messages`, { content })).status).to.equal(201);
  };
  const contents = (socket: Socket, id = room) =>
    socket.events(id).flatMap(({ type, data }) => (type === 'message.sent' ? [data['content']] : []));
  const marks = (user: User) => world.log.guardAll(userStream(user.id), 'devices');
  const headOf = async (id: string) => (await world.log.heads([conversationStream(id)], []))[0]!.id;
  /** Connects and says nothing more; resolves when everything that was missed has come. */
  async function connect(query: string, at = node): Promise<Socket> {
    const socket = await bob.socket(query, at);
    await socket.frame(({ type }) => type === 'session.resumed');
    return socket;
  }
  /** Gone, and the node knows it. */
  async function leave(socket: Socket, device = 'phone', id = room): Promise<void> {
    await socket.close();
    const head = await headOf(id);
    await until('the mark is written', async () => (await marks(bob))[`${device} ${id}`] === head);
  }

  it('begins with what comes after it was first seen, which its user is told once', async () => {
    await write('before');
    const first = await connect('?device_id=phone');
    await first.frame(({ type, data }) => type === 'device.registered' && data['device_id'] === 'phone');
    expect(contents(first)).to.deep.equal([]);
    await leave(first);
    const second = await connect('?device_id=phone');
    expect(second.frames.filter(({ type }) => type === 'device.registered')).to.deep.equal([]);
    const page = await world.log.readAfter(userStream(bob.id), '0-0');
    expect(page.filter(({ type }) => type === 'device.registered')).to.have.length(1);
  });

  const silent = async (query: string): Promise<Socket> => connect(query);
  const resuming = async (query: string): Promise<Socket> => {
    const socket = await bob.socket(`${query}&resume=1`);
    await socket.command('session.resume', { cursors: {} });
    return socket;
  };
  for (const [how, back] of Object.entries({ 'without a word': silent, 'with no cursors': resuming })) {
    it(`comes back ${how}: what was missed follows in order, then what is live, and nothing twice`, async () => {
      const first = await connect('?device_id=phone');
      await write('one');
      await first.reached(room, 2);
      await leave(first);
      for (const text of ['two', 'three', 'four']) await write(text);
      const second = await back('?device_id=phone');
      expect(contents(second)).to.deep.equal(['two', 'three', 'four']);
      await write('five');
      await second.reached(room, 6);
      expect(contents(second)).to.deep.equal(['two', 'three', 'four', 'five']);
      expect(second.seqs(room)).to.deep.equal([3, 4, 5, 6]);
    });
  }

  it('is known to the event though it says nothing and is cut off in the middle, on another node', async () => {
    const other = await startNode();
    const seen: unknown[] = [];
    for (let round = 0; round < 4; round += 1) {
      const socket = await connect('?device_id=phone', round % 2 === 0 ? node : other);
      for (let i = 0; i < 3; i += 1) await write(`live ${round}.${i}`);
      await socket.until(() => contents(socket).includes(`live ${round}.2`), 'what is live');
      socket.ws.terminate();
      const head = await headOf(room);
      await until('the mark is written', async () => (await marks(bob))[`phone ${room}`] === head);
      seen.push(...contents(socket));
      await write(`missed ${round}`);
    }
    const expected = [0, 1, 2, 3].flatMap((r) => [`live ${r}.0`, `live ${r}.1`, `live ${r}.2`, `missed ${r}`]);
    expect(seen).to.deep.equal(expected.slice(0, -1));
  });

  it('that another socket took over at once gets nothing twice, and each device its own', async () => {
    const first = await connect('?device_id=phone');
    const desk = await connect('?device_id=desk');
    await write('one');
    await Promise.all([first.reached(room, 2), desk.reached(room, 2)]);
    const second = await connect('?device_id=phone');
    expect(contents(second)).to.deep.equal([]);
    await leave(desk, 'desk');
    await write('two');
    await Promise.all([first.reached(room, 3), second.reached(room, 3)]);
    expect(contents(await connect('?device_id=desk'))).to.deep.equal(['two']);
    expect(contents(await bob.socket())).to.deep.equal([]);
  });

  it('gets of a conversation that its user came into meanwhile all since then, and of the own stream as much', async () => {
    await leave(await connect('?device_id=phone'));
    const later = await group(ada, bob);
    await write('hello', later);
    const socket = await connect('?device_id=phone');
    expect(socket.seqs(later)).to.deep.equal([1, 2]);
    const own = (frame: Frame) => frame.user_id === bob.id && frame.type === 'conversation.joined';
    expect(socket.frames.filter(own).map(({ data }) => data['conversation_id'])).to.deep.equal([later]);
  });

  it('without a mark of a conversation begins where the device was registered, as after a crash of the node', async () => {
    await write('before');
    await leave(await connect('?device_id=phone'));
    const key = world.log.keys.of(userStream(bob.id), 'devices');
    await world.log.connection.commands.hdel(key, `phone ${room}`);
    await write('after');
    expect(contents(await connect('?device_id=phone'))).to.deep.equal(['after']);
  });

  it('may name its own cursors: what it names counts, of the rest what was kept', async () => {
    const other = await group(ada, bob);
    const first = await connect('?device_id=phone');
    await write('here');
    await write('there', other);
    await Promise.all([first.reached(room, 2), first.reached(other, 2)]);
    await leave(first);
    await leave(await connect('?device_id=phone'), 'phone', other);
    await write('and there', other);
    const socket = await bob.socket('?device_id=phone&resume=1');
    const [created] = await world.log.readAfter(conversationStream(room), '0-0', 1);
    await socket.command('session.resume', { cursors: { [room]: created!.id } });
    expect([contents(socket), contents(socket, other)]).to.deep.equal([['here'], ['and there']]);
  });

  it('narrowed to one conversation has a mark of that one alone', async () => {
    const socket = await import('../support/client.ts').then(({ Socket: One }) =>
      One.connect(node.base, bob.token, '?device_id=watch', `/api/v1/ws/conversations/${room}`),
    );
    await socket.frame(({ type }) => type === 'session.resumed');
    await write('one');
    await socket.reached(room, 2);
    await leave(socket, 'watch');
    expect(Object.keys(await marks(bob)).filter((field) => field.startsWith('watch '))).to.deep.equal([
      `watch ${room}`,
    ]);
  });

  it('goes with the account', async () => {
    await leave(await connect('?device_id=phone'));
    await bob.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    expect(await marks(bob)).to.deep.equal({});
  });
});

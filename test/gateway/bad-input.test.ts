/** Whatever comes in over a WebSocket that is not right: answered with the contract's code, nothing written, and the socket lives on. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { Socket } from '../support/client.ts';
import type { Frame } from '../support/client.ts';
import { contents, metadata } from '../support/hostile.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const TEXT = 1;
const CONTINUATION = 0;

describe('WebSocket refuses', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let id: string;
  let foreign: string;
  let socket: Socket;
  beforeEach(async () => {
    node = await startNode({ WS_MAX_FRAMES_PER_SECOND: '0' });
    ada = await register(node);
    const bob = await register(node);
    [id, foreign] = [await group(ada, bob), await group(bob)];
    socket = await ada.socket();
  });

  /** The next answer that is not an event, after sending a frame as it is. */
  async function answerTo(text: string | Buffer): Promise<Frame> {
    const before = socket.frames.length;
    const found = () => socket.frames.slice(before).find((frame) => frame.type === 'error' || frame.type === 'ack');
    socket.ws.send(text);
    await socket.until(() => found() !== undefined, 'an answer');
    return found()!;
  }

  async function refuses(
    code: string,
    cases: readonly (readonly [what: string, frame: string | object])[],
  ): Promise<void> {
    for (const [what, frame] of cases) {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
      const answer = await writesNothing(world, what, () => answerTo(text));
      expect(answer.error?.code, `${what}: ${JSON.stringify(answer)}`).to.equal(code);
      expect(answer, what).to.have.all.keys(
        ...(text.includes('"id":"r1"') ? ['type', 'id', 'error'] : ['type', 'error']),
      );
    }
    expect((await socket.ask('ping')).type).to.equal('pong');
  }

  const send = (data: object) => ({ type: 'message.send', id: 'r1', data: { conversation_id: id, ...data } });

  it('commands that do not have the form', async () => {
    await refuses('validation_failed', [
      ['no data', { type: 'message.send', id: 'r1' }],
      ['data that is none', { type: 'message.send', id: 'r1', data: [] }],
      ['no conversation', { type: 'message.send', id: 'r1', data: { content: 'x' } }],
      ['unknown field', send({ content: 'x', colour: 'red' })],
      ['wrong type', send({ content: 5 })],
      ['a foreign kind of id', send({ content: 'x', conversation_id: 'a{b}' })],
      ['a request id that is none', { ...send({ content: 'x' }), request_id: 'again' }],
      ['an id too long', { ...send({ content: 'x' }), id: 'x'.repeat(65) }],
      ['an id that is a number', { ...send({ content: 'x' }), id: 7 }],
      ['a mark that is no id', { type: 'receipt.read', id: 'r1', data: { conversation_id: id, up_to: 'now' } }],
      ...contents.map(([what, content]) => [what, send({ content })] as const),
      ...metadata.map(([what, json]) => {
        const data = `{"conversation_id":"${id}",${json.slice(1)}`;
        return [what, `{"type":"message.send","id":"r1","data":${data}}`] as const;
      }),
      ['a prototype beside', '{"type":"ping","id":"r1","__proto__":{}}'],
      ['depth beside', `{"type":"ping","id":"r1","x":${'['.repeat(100)}${']'.repeat(100)}}`],
    ]);
  });

  it('commands that there are not, or not here', async () => {
    await refuses('unknown_command', [
      ['nonsense', { type: 'message.shout', id: 'r1', data: {} }],
      ['a name of the prototype', { type: 'constructor', id: 'r1', data: {} }],
      ['only for REST', { type: 'conversation.create', id: 'r1', data: { type: 'group' } }],
      ['registering', { type: 'user.register', id: 'r1', data: {} }],
      ['an event', { type: 'message.sent', id: 'r1', data: {} }],
      ['nothing', { type: '', id: 'r1' }],
    ]);
  });

  it('what may not be, as if there were nothing', async () => {
    const to = (type: string, data: object) => ({ type, id: 'r1', data: { conversation_id: foreign, ...data } });
    await refuses('not_found', [
      ['send', to('message.send', { content: 'x' })],
      ['read', to('receipt.read', {})],
      ['read to', to('receipt.read', { up_to: ulid() })],
      ['join', to('conversation.join', {})],
      ['leave', to('conversation.leave', {})],
      ['sync', to('conversation.sync', { after: '0-0' })],
    ]);
  });

  it('a repeat with another body', async () => {
    const request_id = ulid();
    const message = { id: ulid(), content: 'once' };
    await socket.command('message.send', { conversation_id: id, ...message });
    await socket.command('message.send', { conversation_id: id, content: 'once' }, { request_id });
    await refuses('conflict', [
      ['message id', send({ ...message, content: 'twice' })],
      ['request id', { ...send({ content: 'twice' }), request_id }],
    ]);
  });

  it('what is no frame, twice; the third closes for good', async () => {
    const frames = [
      'garbage',
      '[]',
      '"text"',
      'null',
      '5',
      '{}',
      '{"type":5}',
      '',
      Buffer.from('{"type":"ping"}'),
      '{"type":"ping"',
    ];
    for (const frame of frames) {
      socket = await ada.socket();
      for (let times = 0; times < 3; times += 1) expect((await answerTo(frame)).error?.code).to.equal('bad_frame');
      expect((await socket.closed).code, String(frame)).to.equal(4500);
    }
  });

  it('frames that are too big, too many in pieces, or not text', async () => {
    const before = await ada.socket();
    socket.ws.send(JSON.stringify(send({ content: 'x'.repeat(65_536) })));
    expect((await socket.closed).code).to.equal(1009);
    const lying = await RawSocket.open(node.base, ada.token);
    lying.send(TEXT, Buffer.from('{}'), 2 ** 40);
    expect((await lying.closed).code).to.equal(1009);
    const pieces = await RawSocket.open(node.base, ada.token);
    pieces.socket.write(Buffer.from([TEXT, 0x80, 0, 0, 0, 0]));
    for (let i = 0; i < 40; i += 1) pieces.socket.write(Buffer.from([CONTINUATION, 0x80, 0, 0, 0, 0]));
    expect((await pieces.closed).code).to.equal(1008);
    const broken = await RawSocket.open(node.base, ada.token);
    broken.send(TEXT, Buffer.from([0xff, 0xfe]));
    expect((await broken.closed).code).to.equal(1007);
    expect((await before.ask('ping')).type).to.equal('pong');
  });

  it('a flood', async () => {
    const guarded = await startNode({ WS_MAX_FRAMES_PER_SECOND: '20' });
    const [flooding, quiet] = [await ada.socket('', guarded), await ada.socket('', guarded)];
    for (let i = 0; i < 100; i += 1) flooding.ws.send('{"type":"ping"}');
    const { code, reason } = await flooding.closed;
    expect([code, JSON.parse(reason)]).to.deep.equal([4429, { retry_after: 1 }]);
    expect(flooding.frames.filter((frame) => frame.type === 'pong').length).to.be.within(20, 40);
    expect((await quiet.ask('ping')).type).to.equal('pong');
  });
});

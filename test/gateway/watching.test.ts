/** What reaches sockets beside the events that they follow, and what does not: signals, other users' public events, withheld events. */
import { expect } from 'chai';
import { ChatError } from '../../src/errors.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import { TO_ONESELF } from '../../src/log/signals.ts';
import { left, NodeInMemory, open, OWN, ROOM, settled } from '../support/node-in-memory.ts';
import type { SessionInMemory } from '../support/node-in-memory.ts';

const BEA = '01HBEA00000000000000000000';
const hers = userStream(BEA);
const isPublic = (type: string) => type === 'mood.changed';
const signal = (actorId: string, stream = ROOM) => ({
  stream,
  actorId,
  json: Buffer.from('{"type":"typing.started"}'),
});
const typing = (session: SessionInMemory) => session.types().filter((type) => type === 'typing.started').length;

describe('signals', () => {
  it('reach the sockets that are live on the stream, but those of the actor, and leave nothing behind', async () => {
    const node = new NodeInMemory();
    node.write(ROOM, 2);
    const [live, waiting] = [await open(node.session()), await open(node.session({ resumes: true }))];
    const actor = await open(node.session({ caller: { userId: BEA, sessionId: 's' } }));
    node.fanout.signal(signal(BEA));
    node.fanout.signal(signal(BEA, conversationStream('01HXTHERR00M00000000000000')));
    waiting.receive({ type: 'session.resume', data: { cursors: {} } });
    await settled();
    node.bring(ROOM);
    await settled();
    expect([live, waiting, actor].map(typing)).to.deep.equal([1, 0, 0]);
    expect([live, waiting, actor].map((session) => session.seqs())).to.deep.equal([[3], [3], [3]]);
  });

  it('that are for a user alone reach all of their sockets', async () => {
    const node = new NodeInMemory();
    const sockets = [await open(node.session()), await open(node.session())];
    node.fanout.signal(signal(TO_ONESELF, userStream(OWN.id)));
    await settled();
    expect(sockets.map(typing)).to.deep.equal([1, 1]);
  });
});

describe('hearing of events', () => {
  it('is of each that the tail brings, once, whoever follows or watches, and of none that is read again', async () => {
    const heard: string[] = [];
    const node = new NodeInMemory({ isPublic, hear: ({ stream, id }) => void heard.push(`${stream.kind} ${id}`) });
    node.write(ROOM, 2);
    const session = await open(node.session({ resumes: true }));
    session.session.watch([BEA]);
    session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '0-0' } } });
    await settled();
    expect(session.seqs()).to.deep.equal([1, 2]);
    expect(heard).to.deep.equal([]);
    node.bring(ROOM);
    node.fanout.take(node.write(hers, 1, [], 0, 'mood.changed'));
    node.bring(conversationStream('01HXTHERR00M00000000000000'));
    expect(heard).to.deep.equal(['conversation 1-3', 'user 1-1', 'conversation 1-1']);
  });
});

describe('watching other users', () => {
  let node: NodeInMemory;
  let session: SessionInMemory;
  beforeEach(async () => {
    node = new NodeInMemory({ isPublic });
    session = await open(node.session());
  });
  const change = (type = 'mood.changed') => node.fanout.take(node.write(hers, 1, [], 0, type));

  it('brings what is public of their streams, and signals, from then on', async () => {
    change();
    session.session.watch([BEA]);
    change();
    change('session.ended');
    node.fanout.signal(signal(BEA, hers));
    node.fanout.signal(signal(OWN.id, hers));
    node.fanout.signal(signal(TO_ONESELF, hers));
    await settled();
    expect(session.seqs(hers)).to.deep.equal([2]);
    expect(typing(session)).to.equal(1);
  });

  it('is of the last list only, and ends with the socket', async () => {
    session.session.watch([BEA]);
    session.session.watch(['01HCE000000000000000000000']);
    change();
    session.session.watch([BEA, BEA]);
    change();
    session.session.ended();
    session.session.watch([BEA]);
    change();
    await settled();
    expect(session.seqs(hers)).to.deep.equal([2]);
  });

  it('of oneself changes nothing: the own stream is followed whole', async () => {
    session.session.watch([OWN.id]);
    node.fanout.take(node.write(OWN, 1, [], 0, 'mood.changed'));
    await settled();
    expect(session.seqs(OWN)).to.deep.equal([1]);
  });

  it('takes 500 at most, and a longer list changes nothing', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => String(i));
    session.session.watch([BEA]);
    expect(() => session.session.watch(many(501))).to.throw(ChatError, 'At most 500');
    change();
    session.session.watch(many(500));
    change();
    await settled();
    expect(session.seqs(hers)).to.deep.equal([1]);
  });
});

describe('events that are withheld from a user', () => {
  const placeholder = (seq: number) => ({
    id: `1-${seq}`,
    seq,
    at: '1970-01-01T00:00:00.001Z',
    conversation_id: ROOM.id,
    type: 'event.withheld',
    version: 1,
    data: {},
  });
  let node: NodeInMemory;
  beforeEach(() => {
    const isFrom = (userId: string) => userId === OWN.id;
    node = new NodeInMemory({
      withheldFrom: ({ type }) => (type === 'secret.told' ? isFrom : undefined),
      isPublic: () => true,
    });
    node.write(ROOM, 2);
  });
  const tell = (count = 1) => node.write(ROOM, count, [], 0, 'secret.told');
  const events = (session: SessionInMemory) => session.frames().filter((frame) => frame['seq'] !== undefined);

  it('keep their place live, and everyone else gets them', async () => {
    const [kept, other] = [
      await open(node.session()),
      await open(node.session({ caller: { userId: BEA, sessionId: 's' } })),
    ];
    node.fanout.take([...node.write(ROOM), ...tell(), ...node.write(ROOM)]);
    await settled();
    expect(events(kept).map(({ type }) => type)).to.deep.equal(['test.made', 'event.withheld', 'test.made']);
    expect(events(kept)[1]).to.deep.equal(placeholder(4));
    expect(events(other).map(({ type }) => type)).to.deep.equal(['test.made', 'secret.told', 'test.made']);
  });

  it('and where the log is read, and where events wait for that', async () => {
    tell();
    const session = await open(node.session({ resumes: true }));
    node.fanout.take(tell());
    session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-2' } } });
    await settled();
    node.fanout.take(tell());
    await settled();
    expect(events(session)).to.deep.equal([3, 4, 5].map(placeholder));
  });

  it('of a watched user they do not come at all', async () => {
    const session = await open(node.session());
    session.session.watch([BEA]);
    for (const type of ['secret.told', 'mood.changed', 'secret.told'])
      node.fanout.take(node.write(hers, 1, [], 0, type));
    await settled();
    expect(session.seqs(hers)).to.deep.equal([2]);
  });

  it('the one by which a user leaves as well', async () => {
    const session = await open(node.session());
    node.fanout.take(node.write(ROOM, 1, [left()], 0, 'secret.told'));
    node.bring(ROOM);
    await settled();
    expect(events(session)).to.deep.equal([placeholder(3)]);
  });
});

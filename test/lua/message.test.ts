/** The scripts of messages and the users' own lists against their headers. */
import { expect } from 'chai';
import { parseMessageFacts } from '../../src/chat/message-facts.ts';
import { START } from '../../src/envelope.ts';
import { userStream } from '../../src/keys.ts';
import { dump, message, request, Room, room as roomOf, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;

describe('scripts of messages', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'] });
  });

  const sent = (n: number, content: string, reply_to: string | null = null): [string, unknown] => [
    'message.sent',
    {
      message_id: message(n),
      content,
      message_type: 'text',
      reply_to,
      attachments: [],
      mentions: [],
      mentions_all: false,
      metadata: {},
    },
  ];

  describe('message.send', () => {
    it('appends the message as it was given, counts it, and moves the own read mark', async () => {
      const text = 'a "quoted" \\ text, \u{1f468}\u200d\u{1f469}, \u0000, \u2028 and {"type":"message.sent"}';
      const { id } = await room.appends(() => room.send(3, 1, text), [sent(1, text)]);
      expect(await room.guard('messages', message(1))).to.equal(`${id} ${user(3)} 1 1 - -`);
      expect(await room.guard('members', user(3))).to.equal(`member 1 1 ${id} 2 - - - -`);
      expect(await room.guard('members', user(1))).to.match(/^owner 1 0 /);
      expect(await world.log.guardAll(room.stream, 'head')).to.include({ messages: '1', active: id.split('-')[0] });
      await room.send(1, 2);
      expect(await room.guard('head', 'messages')).to.equal('2');
    });

    it('takes a text of a million bytes', async () => {
      const long = '\u00e9'.repeat(500_000);
      await room.appends(() => room.send(1, 1, long), [sent(1, long)]);
    });

    it('answers the first event to the same message id, whatever came since', async () => {
      const { id } = await room.send(3, 1);
      const again = () => room.changesNothing(() => room.send(3, 1, 'other words'));
      expect(await again()).to.deep.equal({ status: 'duplicate', id });
      await room.send(1, 2);
      await room.leave(3);
      expect(await again()).to.deep.equal({ status: 'duplicate', id });
    });

    it('refuses the message id of someone else, and tells a stranger nothing', async () => {
      await room.send(3, 1);
      expect(await room.refusal(() => room.send(2, 1))).to.equal('conflict');
      expect(await room.refusal(() => room.send(OUTSIDER, 1))).to.equal('not_found');
    });

    it('answers the first event to the same request, and refuses it with another body', async () => {
      const { id } = await room.send(3, 1, 'a', { requestId: request(1), body: 'a' });
      const again = (n: number, body: string) => room.send(3, n, body, { requestId: request(1), body });
      expect(await room.changesNothing(() => again(1, 'a'))).to.deep.equal({ status: 'duplicate', id });
      // Without an id of the client's a repeat comes with a new message id.
      expect(await room.changesNothing(() => again(2, 'a'))).to.deep.equal({ status: 'duplicate', id });
      expect(await room.refusal(() => again(1, 'b'))).to.equal('conflict');
    });

    it('names the request in the event', async () => {
      await room.send(3, 1, 'a', { requestId: request(1), body: 'a' });
      await room.send(3, 2);
      const [, with_, without] = (await room.log()).map(({ event }) => JSON.parse(event) as Record<string, unknown>);
      expect(with_).to.include({ request_id: request(1), actor_id: user(3), version: 1 });
      expect(without).not.to.have.property('request_id');
    });

    it('replies to a message of this conversation only', async () => {
      const other = new Room(world, 2);
      await other.create();
      await other.send(1, 7);
      await room.send(1, 1);
      await room.appends(() => room.send(3, 2, 'yes', { replyTo: 1 }), [sent(2, 'yes', message(1))]);
      expect(await room.refusal(() => room.send(3, 3, 'no', { replyTo: 7 }))).to.equal('not_found');
      expect(await room.refusal(() => room.send(3, 3, 'no', { replyTo: 3 }))).to.equal('not_found');
    });

    it('puts a reply to a reply into the same thread, and says so where the two differ', async () => {
      const facts = async (n: number) => parseMessageFacts(await room.guard('messages', message(n)));
      await room.send(1, 1);
      expect(await room.send(3, 2, 'yes', { replyTo: 1 })).not.to.have.property('told');
      const [, said] = sent(3, 'no', message(2));
      const answer = await room.appends(
        () => room.send(2, 3, 'no', { replyTo: 2 }),
        [['message.sent', { ...(said as object), thread_id: message(1) }]],
      );
      expect(answer.told).to.equal(message(1));
      await room.send(2, 4, 'well', { replyTo: 3 });
      expect((await facts(1))?.threadId).to.equal(undefined);
      for (const n of [2, 3, 4]) expect((await facts(n))?.threadId).to.equal(message(1));
      expect(await facts(3)).to.deep.equal({
        eventId: answer.id,
        senderId: user(2),
        number: 3,
        revision: 1,
        threadId: message(1),
        isDeleted: false,
      });
      expect(await facts(9)).to.equal(undefined);
    });

    it('takes one of the server’s own messages as the node found it', async () => {
      const own = `7${message(1).slice(1)}`;
      const { id } = await room.run('message.send', 1, {
        message_id: message(1),
        reply_to: own,
        rules: '',
        broken: '',
        data: JSON.stringify({ message_id: message(1), reply_to: own }),
      });
      expect(await room.guard('messages', message(1))).to.equal(`${id} ${user(1)} 1 1 ${own} -`);
    });

    it('is for members, or for admins where the policy says so', async () => {
      expect(await room.refusal(() => room.send(OUTSIDER, 1))).to.equal('not_found');
      const missing = new Room(world, 2);
      expect(await missing.refusal(() => missing.send(1, 1))).to.equal('not_found');
      await room.update(1, {}, { policy: '= admins = =' });
      expect(await room.refusal(() => room.send(3, 1))).to.equal('forbidden');
      for (const n of [1, 2]) expect((await room.send(n, n)).status).to.equal('ok');
      await room.changeRole(1, 3, 'admin');
      expect((await room.send(3, 3)).status).to.equal('ok');
    });

    it('is done once however many ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => room.send(3, 1)));
      expect(new Set(answers.map(({ id }) => id)).size).to.equal(1);
      expect(answers.filter(({ status }) => status === 'ok')).to.have.length(1);
      await room.holds();
    });
  });

  describe('inbox.update', () => {
    const ann = userStream(user(1));
    const conversation = roomOf(5).id;
    const update = (event: string, state: string) =>
      world.log.append({
        script: 'inbox.update',
        stream: ann,
        actorId: user(2),
        knowsRepeats: true,
        args: { conversation, event, state },
      });
    const events = async () =>
      (await world.log.readAfter(ann, START)).map(({ type, json }) => [
        type,
        (JSON.parse(json.toString()) as { data: object }).data,
      ]);
    const entry = () => world.log.guardField(ann, 'conversations', conversation);
    const joined = ['conversation.joined', { conversation_id: conversation }];
    const left = ['conversation.left', { conversation_id: conversation }];

    it('says when a user comes in and goes, once each', async () => {
      expect(await update('7-1', 'joined')).to.include({ status: 'ok' });
      expect(await update('7-5', 'left')).to.include({ status: 'ok' });
      expect(await update('7-8', 'joined')).to.include({ status: 'ok' });
      expect(await events()).to.deep.equal([joined, left, joined]);
      expect(await entry()).to.equal('7-8 joined');
    });

    it('does nothing for a repeat or for what is older', async () => {
      await update('7-5', 'joined');
      const before = await dump(world.log);
      for (const [event, state] of [
        ['7-5', 'joined'],
        ['7-5', 'left'],
        ['7-4', 'left'],
        ['6-9', 'joined'],
      ] as const) {
        expect(await update(event, state)).to.deep.equal({ status: 'unchanged', id: '' });
      }
      expect(await dump(world.log)).to.deep.equal(before);
    });

    it('remembers how far it is where nothing changes, so that an older one stays out', async () => {
      await update('7-5', 'joined');
      await update('7-9', 'joined');
      expect(await entry()).to.equal('7-9 joined');
      await update('7-7', 'left');
      expect(await events()).to.deep.equal([joined]);
      await update('7-10', 'left');
      expect(await events()).to.deep.equal([joined, left]);
    });

    it('says nothing of a going that had no coming', async () => {
      expect((await update('7-3', 'left')).status).to.equal('unchanged');
      expect(await entry()).to.equal('7-3 left');
      expect((await update('7-2', 'joined')).status).to.equal('unchanged');
      expect(await events()).to.deep.equal([]);
    });

    it('compares whole ids, as numbers', async () => {
      await update('7-9', 'joined');
      await update('7-10', 'left');
      expect(await entry()).to.equal('7-10 left');
      await update('10-11', 'joined');
      expect(await entry()).to.equal('10-11 joined');
    });

    it('takes what came after a failover that lost entries: their seqs come again, later', async () => {
      await update('7-20', 'joined');
      await update('9-12', 'left');
      expect(await entry()).to.equal('9-12 left');
      await update('7-21', 'joined');
      expect(await entry()).to.equal('9-12 left');
      expect(await events()).to.deep.equal([joined, left]);
    });

    it('goes on from a list that an older program kept by the seq alone', async () => {
      await update('7-5', 'joined');
      await world.log.connection.commands.hset(world.log.keys.of(ann, 'conversations'), conversation, '5 joined');
      expect((await update('7-5', 'left')).status).to.equal('unchanged');
      expect((await update('7-6', 'left')).status).to.equal('ok');
      expect(await entry()).to.equal('7-6 left');
    });

    it('keeps the order of the last word, whichever way the writes come', async () => {
      const words = [
        ['7-1', 'joined'],
        ['7-4', 'left'],
        ['9-6', 'joined'],
        ['10-9', 'left'],
      ] as const;
      await Promise.all(words.toReversed().map(([event, state]) => update(event, state)));
      expect(await entry()).to.equal('10-9 left');
      await Promise.all(words.map(([event, state]) => update(event, state)));
      expect(await entry()).to.equal('10-9 left');
    });
  });
});

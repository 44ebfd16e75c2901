/** The scripts of polls against their headers: posting, voting, changing a vote, closing, and closing at a time, once. */
import { expect } from 'chai';
import { voteField } from '../../src/chat/polls/guard.ts';
import { Polls } from '../support/poll-scripts.ts';
import { message, request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const [OWNER, ADMIN, MEMBER, OTHER, OUTSIDER] = [1, 2, 3, 4, 9];
const POLL = 1;

describe('scripts of polls', () => {
  const world = useWorld();
  let room: Room;
  let polls: Polls;
  beforeEach(async () => {
    room = new Room(world);
    polls = new Polls(room);
    await room.create({ roles: ['owner', 'admin', 'member', 'member'] });
  });
  const kept = () => room.guard('messages', `${message(POLL)}:poll`);
  const voteOf = (n: number) => room.guard('messages', voteField(message(POLL), user(n)));
  const timers = async () =>
    (await world.log.connection.commands.zrange(room.key('timers'), '0', '-1')).filter((t) => t !== '-');
  const voted = (options: number[], before?: number[]): [string, unknown][] => [
    ['poll.voted', { poll_id: message(POLL), options, ...(before ? { before } : {}) }],
  ];
  const closed: [string, unknown][] = [['poll.closed', { poll_id: message(POLL) }]];

  describe('poll.create', () => {
    it('is a message and what can be voted for, and sets its end', async () => {
      const endsAt = Date.now() + 60_000;
      const { id } = await polls.ask(MEMBER, POLL, { endsAt });
      const [, sent, made] = await room.log();
      expect([id, sent!.type, made!.type]).to.deep.equal([sent!.id, 'message.sent', 'poll.created']);
      expect(await room.guard('messages', message(POLL))).to.equal(`${id} ${user(MEMBER)} 1 1 - -`);
      expect(await room.guard('head', 'messages')).to.equal('1');
      expect(await kept()).to.equal(`3 single ${endsAt} open`);
      expect(await timers()).to.deep.equal([`poll ${room.stream.id}.${message(POLL)}.${user(MEMBER)}`]);
      await room.holds();
    });

    it('is for who may post, as a message is', async () => {
      expect(await room.refusal(() => polls.ask(OUTSIDER, POLL))).to.equal('not_found');
      await room.send(MEMBER, 2);
      expect(await room.refusal(() => polls.ask(MEMBER, 2))).to.equal('conflict');
      await room.slowMode(OWNER, 30);
      await polls.ask(MEMBER, POLL);
      expect(await room.refusal(() => polls.ask(MEMBER, 3))).to.equal('rate_limited');
      expect(await room.refusal(() => room.send(MEMBER, 3))).to.equal('rate_limited');
      await room.update(OWNER, { policy: { post: 'admins' } }, { policy: '= admins = =' });
      expect(await room.refusal(() => polls.ask(OTHER, 3))).to.equal('forbidden');
      await room.archive(OWNER);
      expect(await room.refusal(() => polls.ask(OWNER, 3))).to.equal('forbidden');
      expect(await room.refusal(() => polls.vote(OWNER, POLL, [1]))).to.equal('forbidden');
    });

    it('is done once per request', async () => {
      const once = { requestId: request(1), body: 'poll' };
      const first = await polls.ask(MEMBER, POLL, {}, once);
      const again = await room.changesNothing(() => polls.ask(MEMBER, 7, {}, once));
      expect(again).to.deep.equal({ ...first, status: 'duplicate' });
    });
  });

  describe('poll.vote', () => {
    beforeEach(() => polls.ask(MEMBER, POLL));

    it('is one vote each, which can be changed and taken back', async () => {
      await room.appends(() => polls.vote(OTHER, POLL, [1]), voted([1]));
      expect((await room.changesNothing(() => polls.vote(OTHER, POLL, [1]))).status).to.equal('unchanged');
      await room.appends(() => polls.vote(OTHER, POLL, [2]), voted([2], [1]));
      expect(await voteOf(OTHER)).to.equal('2');
      await room.appends(() => polls.vote(OTHER, POLL, []), voted([], [2]));
      expect(await voteOf(OTHER)).to.equal(null);
      expect((await room.changesNothing(() => polls.vote(OTHER, POLL, []))).status).to.equal('unchanged');
    });

    it('is for members, for options that are there, and for one unless it may be more', async () => {
      expect(await room.refusal(() => polls.vote(OUTSIDER, POLL, [1]))).to.equal('not_found');
      expect(await room.refusal(() => polls.vote(OTHER, POLL, [3]))).to.equal('validation_failed');
      expect(await room.refusal(() => polls.vote(OTHER, POLL, [0, 1]))).to.equal('validation_failed');
      await polls.ask(MEMBER, 2, { multiple: true });
      expect((await polls.vote(OTHER, 2, [2, 0])).status).to.equal('ok');
      expect(await room.refusal(() => polls.vote(OTHER, 7, [1]))).to.equal('not_found');
      await room.send(OTHER, 3);
      expect(await room.refusal(() => polls.vote(OTHER, 3, [1]))).to.equal('not_found');
    });

    it('is refused where the poll is closed, from its time on, and where it was deleted', async () => {
      const endsAt = Date.now() + 60_000;
      await polls.ask(MEMBER, 2, { endsAt });
      await setClock(world, room.stream, endsAt - 1);
      expect((await polls.vote(OTHER, 2, [1])).status).to.equal('ok');
      await setClock(world, room.stream, endsAt);
      expect(await room.refusal(() => polls.vote(OTHER, 2, [2]))).to.equal('forbidden');
      await polls.close(MEMBER, POLL);
      expect(await room.refusal(() => polls.vote(OTHER, POLL, [1]))).to.equal('forbidden');
      await polls.ask(MEMBER, 3);
      await room.takeBack(MEMBER, 3);
      expect(await room.refusal(() => polls.vote(OTHER, 3, [1]))).to.equal('not_found');
    });
  });

  describe('poll.close', () => {
    it('is for who made it and for admins, once, and clears the timer', async () => {
      await polls.ask(MEMBER, POLL, { endsAt: Date.now() + 60_000 });
      expect(await room.refusal(() => polls.close(OTHER, POLL))).to.equal('forbidden');
      expect(await room.refusal(() => polls.close(OUTSIDER, POLL))).to.equal('not_found');
      await room.appends(() => polls.close(ADMIN, POLL), closed);
      expect(await timers()).to.deep.equal([]);
      expect((await room.changesNothing(() => polls.close(MEMBER, POLL))).status).to.equal('unchanged');
    });
  });

  describe('poll.end', () => {
    it('closes once, and not before its time', async () => {
      await polls.ask(MEMBER, POLL, { endsAt: Date.now() + 60_000 });
      expect((await room.changesNothing(() => polls.end(MEMBER, POLL))).status).to.equal('unchanged');
      const [timer] = await timers();
      await world.log.connection.commands.zadd(room.key('timers'), 1, timer!);
      await room.appends(() => polls.end(MEMBER, POLL), closed);
      expect((await room.changesNothing(() => polls.end(MEMBER, POLL))).status).to.equal('unchanged');
      expect(await kept()).to.match(/ closed$/);
    });

    it('tells nothing of a poll that was deleted', async () => {
      await polls.ask(MEMBER, POLL, { endsAt: Date.now() + 60_000 });
      await room.takeBack(MEMBER, POLL);
      const [timer] = await timers();
      await world.log.connection.commands.zadd(room.key('timers'), 1, timer!);
      expect((await polls.end(MEMBER, POLL)).status).to.equal('unchanged');
      expect(await timers()).to.deep.equal([]);
      expect((await room.log()).at(-1)!.type).to.equal('message.deleted');
    });
  });

  it('message.edit leaves a poll as it is', async () => {
    await polls.ask(MEMBER, POLL);
    expect(await room.refusal(() => room.edit(MEMBER, POLL))).to.equal('forbidden');
  });
});

/** Redis dies, forgets, or is cut behind the tail: sockets stay, and have everything after without gap or duplicate, or are told. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { until } from '../../src/redis/redis-server.ts';
import { conversationStream } from '../../src/keys.ts';
import type { Socket } from '../support/client.ts';
import { breakPush } from '../support/push-trouble.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import type { World } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

export function recoverySuite(world: World): void {
  describe('when Redis', () => {
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    let bob: User;
    let hers: Socket;
    let his: Socket;
    let id: string;
    beforeEach(async () => {
      // Without a projector the tail is the only one that waits for a feed.
      node = await startNode({ ROLES: 'api,gateway', WS_MAX_FRAMES_PER_SECOND: '0' });
      [ada, bob] = [await register(node), await register(node)];
      id = await group(ada, bob);
      [hers, his] = [await ada.socket(), await bob.socket()];
    });

    /** Sends until it is acknowledged, with one message id, as a client does that wants it said once. */
    async function insist(socket: Socket, content: string): Promise<number> {
      const message = { conversation_id: id, id: ulid(), content };
      let seq = 0;
      await until(
        'the message is taken',
        async () => {
          const answer = await socket.ask('message.send', message);
          if (answer.error)
            expect(answer.error.code, node.warnings.join('\n')).to.be.oneOf(['unavailable', 'unknown_outcome']);
          else seq = Number(answer.data['seq']);
          return !answer.error;
        },
        20_000,
      );
      return seq;
    }

    it('is killed and comes back, nobody notices more than a pause', async function () {
      this.timeout(40_000);
      await write(world, ada, id, 3);
      await his.reached(id, 4);
      let sent = 0;
      let isOver = false;
      const talking = (async () => {
        while (!isOver) sent = await insist(hers, `word ${sent}`);
      })();
      await hers.frame((frame) => frame.type === 'ack');
      const startAgain = await world.killRedis();
      await hers.frame((frame) => frame.type === 'error');
      await startAgain();
      await until('the log is back', () => world.log.answers(), 20_000);
      isOver = true;
      await talking;
      const last = await insist(hers, 'the last word');
      await until('both have it', () => [hers, his].every((socket) => socket.seqs(id).includes(last)), 20_000);
      for (const socket of [hers, his]) {
        expect(socket.seqs(id)).to.deep.equal(seqsFrom(2, last));
        expect(socket.frames.filter((frame) => frame.type === 'sync.reset')).to.deep.equal([]);
      }
      const contents = his.events(id).map((event) => event.data['content']);
      expect(new Set(contents.slice(3)).size).to.equal(contents.length - 3);
    });

    it('has cut the feed behind the tail, what is missing comes from the logs', async () => {
      await write(world, ada, id, 2);
      await Promise.all([hers.reached(id, 3), his.reached(id, 3)]);
      const { log } = world;
      const feed = log.keys.at(log.keys.partitionOf(id), 'feed');
      const mend = breakPush('cut');
      try {
        // In one turn: when the tail notices that it is behind, the feed is empty already.
        await Promise.all([write(world, ada, id, 450), log.connection.commands.xtrim(feed, 'MAXLEN', 0)]);
        await until('both are told', () => [hers, his].every((socket) => socket.seqs(id).includes(453)));
      } finally {
        mend();
      }
      await write(world, ada, id);
      await Promise.all([hers.reached(id, 454), his.reached(id, 454)]);
      for (const socket of [hers, his]) expect(socket.seqs(id)).to.deep.equal(seqsFrom(2, 454));
      expect(node.warnings.join()).to.include('cut off behind our cursor');
    });

    it('has forgotten everything, clients are told to reload, and live events go on', async () => {
      await write(world, ada, id, 5);
      await his.reached(id, 6);
      await Promise.all(world.log.connection.masters().map((master) => master.flushall()));
      const policy = { add: 'admins', post: 'everyone', edit_info: 'admins', pin: 'members' };
      const participants = [ada, bob].map((user) => ({ user_id: user.id, role: 'member' }));
      const data = { type: 'group', name: 'again', description: null, avatar_url: null, policy, participants };
      const created = await world.log.append({
        script: 'conversation.create',
        stream: conversationStream(id),
        actorId: ada.id,
        args: {
          kind: 'group',
          policy: 'admins everyone admins members',
          directory: '',
          data: JSON.stringify(data),
          participants: participants.flatMap((p) => [p.user_id, p.role]),
        },
      });
      for (const socket of [hers, his]) {
        const reset = await socket.frame(
          (frame) => frame.type === 'sync.reset' && frame.data['conversation_id'] === id,
        );
        expect(reset.data['last_event_id']).to.equal(created.id);
      }
      await write(world, ada, id, 2);
      for (const socket of [hers, his]) {
        await socket.until(() => socket.seqs(id).length === 7, 'the events after the reset');
        expect(socket.seqs(id)).to.deep.equal([...seqsFrom(2, 6), 2, 3]);
      }
    });
  });
}

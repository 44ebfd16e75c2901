/** What stands still, on the command line: seen, tried again, passed over with a reason that every later fold respects. */
import { expect } from 'chai';
import { conversationStream } from '../src/keys.ts';
import { until } from '../src/redis/redis-server.ts';
import { chatIn, json } from './support/command-line.ts';
import { appendRaw, poisons } from './support/poison.ts';
import { projected } from './support/projecting.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

describe('the command line about what is parked', function () {
  this.timeout(60_000);
  const world = useWorld();
  const startNode = useNodes(world);
  const chat = chatIn(world);
  let ada: User;
  let room: string;
  let lane: string[];
  beforeEach(async () => {
    ada = await register(await startNode());
    room = await group(ada);
    lane = [HISTORY, 'conversation', room];
    const [type, event] = poisons['an unknown type']!(conversationStream(room));
    await appendRaw(world.log, conversationStream(room), type, event);
    await until('it is parked', async () => (await chat('parked')).output.includes(lane.join(' ')));
    await ada.rest.post(`/conversations/${room}/messages`, { content: 'behind it' });
    await projected(world);
  });

  const parked = async () => json<{ lane: string }[]>(await chat('parked', '--json')).map((one) => one.lane);

  it('is listed with its event and why, shown with what waits behind it, and tried again by who runs', async () => {
    const listed = await chat('parked');
    expect(listed.code).to.equal(1);
    expect(listed.output).to.match(new RegExp(`^${lane.join(' ')} +\\d +\\S+ .* unknown event type`, 'm'));
    const shown = json<{ waiting: number; event: { type: string }; why: { error: string } }>(
      await chat('parked', 'show', ...lane, '--json'),
    );
    expect(shown.waiting).to.equal(1);
    expect(shown.why.error).to.match(/unknown event type/);
    const again = json<{ outcome: string }[]>(await chat('parked', 'retry', ...lane, '--json'));
    expect(again.map(({ outcome }) => outcome)).to.deep.equal(['stands still']);
    expect(await parked()).to.include(lane.join(' '));
  });

  it('goes on once its event is passed over, there alone; the reason is kept, and rebuild and verify respect it', async () => {
    const before = await parked();
    const skipped = await chat('parked', 'skip', ...lane, '--reason', 'a test, nobody misses it');
    expect(skipped.output).to.match(/ goes on$/m);
    expect(skipped.code).to.equal(0);
    expect(await parked()).to.have.members(before.filter((name) => name !== lane.join(' ')));
    await projected(world);
    const view = world.log.keys.view(HISTORY, conversationStream(room));
    const head = await world.log.connection.commands.hget(world.log.keys.of(conversationStream(room), 'head'), 'id');
    await until('the view is whole', async () => (await world.log.connection.commands.hget(view, 'applied')) === head);
    const kept = await chat('parked', 'list', '--skipped');
    expect(kept.output)
      .to.match(/a test, nobody misses it +unknown event type/)
      .and.to.match(/^1 event passed over$/m);
    expect((await chat('rebuild', '--view', 'history')).code).to.equal(0);
    expect(await parked()).to.not.include(lane.join(' '));
    expect((await chat('verify')).output).to.not.match(/^history/m);
  });

  it('says that nobody is there to try it', async () => {
    await world.log.connection.commands.hset(
      world.log.keys.at(0, 'parked'),
      `retired user ${ada.id}`,
      '{"event_id":"1-1","type":"x","error":"y"}',
    );
    await world.log.connection.commands.hset(world.log.keys.at(0, 'checkpoints'), 'retired', '1-1');
    const again = await chat('parked', 'retry', 'retired', 'user', ada.id);
    expect(again.code).to.equal(1);
    expect(again.output).to.match(/nobody is at work/);
  });
});

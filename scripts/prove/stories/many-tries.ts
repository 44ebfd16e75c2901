/**
 * One send, many tries: proxies lose the reply after the command was carried out, between client and node and between node and Redis;
 * the client repeats the id over other nodes, also after its ack. Every message is in the log once.
 */
import { cast } from '../cast.ts';
import { Findings, judge, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';
import { codesOf } from './kills.ts';

const ACK = /chat-event-id|"type":"ack"/i;
const MESSAGES = { short: 320, long: 20_000 };

export const manyTries: Story = {
  name: 'many-tries',
  about: 'one send, up to five tries over several nodes, replies lost on the way',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => tell(options, findings, world));
  },
};

async function tell({ short }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  const toRedis = await world.proxy(world.redis.port);
  const nodes = await Promise.all([
    world.node(['api', 'gateway']),
    world.node(['api', 'gateway'], { REDIS_URL: toRedis.url }),
  ]);
  await world.node(['projector']);
  const doors = await Promise.all(nodes.map((node) => world.proxy(node.settings.port)));
  const through = doors.map((door) => `http://127.0.0.1:${door.port}`);
  const messages = short ? MESSAGES.short : MESSAGES.long;
  const authors = short ? 16 : 80;
  const { writers } = await cast(world, random, {
    writers: authors,
    readers: 0,
    conversations: 8,
    bases: () => through,
    writing: { count: messages / authors, again: 2 },
  });

  const drawn = random.fork();
  for (const door of doors)
    door.replies((bytes) => (ACK.test(bytes.toString('latin1')) && drawn.chance(0.3) ? 'lose' : 'pass'));
  // A connection to Redis carries everybody's commands, so each loss is many tries.
  // One is lost whatever was drawn: in a short run chance alone may lose none.
  let replies = 0;
  toRedis.replies(() => {
    replies += 1;
    return replies === 100 || drawn.chance(0.004) ? 'lose' : 'pass';
  });
  for (const writer of writers) writer.start();
  await Promise.all(writers.map((writer) => writer.done()));

  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  await settle(findings, truth, writers, []);
  findings.count('tries', messages + sum(writers.map((w) => w.repeats)));
  findings.count('replies lost to clients', sum(doors.map((door) => door.lost)));
  findings.count('replies lost to a node', toRedis.lost);
  await judge(findings, world, truth);
  const inLogs = [...(await truth.logs()).values()].flat().filter((event) => event.message !== undefined).length;
  findings.count('messages in the logs', inLogs);
  findings.expect(inLogs === messages, `${messages} messages were sent, the logs hold ${inLogs}`);
  findings.expect(sum(writers.map((w) => w.refused)) === 0, `messages were refused: ${codesOf(writers)}`);
  findings.expect(
    sum(doors.map((door) => door.lost)) > 0 && toRedis.lost > 0,
    'no reply was lost, so nothing was shown',
  );
}

/**
 * Reads are never stale: a read on another node right after an acknowledged write has it, while every projector is stopped, slow, or
 * being killed. One message by its id, the newest page of the history, and the conversation's own last message and counts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { groups, people, persist } from '../client.ts';
import type { Person } from '../client.ts';
import type { NodeProcess } from '../node-process.ts';
import type { Random } from '../random.ts';
import { Findings, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { World } from '../world.ts';

const READS = { short: 150, long: 10_000 };
const PEOPLE = 6;

export const freshReads: Story = {
  name: 'fresh-reads',
  about: 'a read after an acknowledged write is right, with projectors stopped, slow and killed',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => tell(options, findings, world));
  },
};

async function tell({ short, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const slow = await world.proxy(world.redis.port);
  await Promise.all([world.node(['api']), world.node(['api'])]);
  const bases = world.bases('api');
  const members = await people(bases, 'member', PEOPLE);
  const rooms = await Promise.all(members.map(async () => (await groups(bases, members, 1))[0]!));
  const each = Math.ceil((short ? READS.short : READS.long) / 3);
  let right = 0;
  const round = async (how: string) => {
    const counts = await Promise.all(
      members.map((member, i) =>
        readOwnWrites(findings, findings.random.fork(), bases, member, rooms[i]!, Math.ceil(each / PEOPLE), how),
      ),
    );
    for (const count of counts) right += count;
    if (!short) say(`${right} reads were right, projectors ${how}`);
  };

  await round('stopped');
  const projector = await world.node(['projector'], { REDIS_URL: slow.url });
  slow.delay(60);
  await round('slow');
  slow.delay(0);
  let over = false;
  const killing = killAgainAndAgain(projector, findings.random.fork(), () => over);
  await round('killed');
  over = true;
  findings.count('projectors killed', await killing);
  findings.count('right reads', right);
}

async function killAgainAndAgain(node: NodeProcess, random: Random, isOver: () => boolean): Promise<number> {
  let kills = 0;
  do {
    await sleep(random.between(100, 600));
    await node.kill();
    kills += 1;
    await node.start();
  } while (!isOver());
  return kills;
}

interface Message {
  readonly id: string;
  readonly content: string;
}

/** Writes by one node, reads by another; how many reads were right. */
async function readOwnWrites(
  findings: Findings,
  random: Random,
  bases: readonly string[],
  { token, name }: Person,
  room: string,
  count: number,
  how: string,
): Promise<number> {
  let right = 0;
  for (let n = 1; n <= count; n += 1) {
    const [writing, reading] = random.shuffled(bases);
    const get = async <T>(path: string) => (await persist<T>([reading!], 'GET', path, { token })).body;
    const id = random.ulid();
    const content = `${name} says ${n} while projectors are ${how}`;
    const body = { id, content };
    const sent = await persist([writing!], 'POST', `/conversations/${room}/messages`, { token, body });
    if (sent.status !== 201) throw new Error(`a message was refused: ${sent.status} ${JSON.stringify(sent.body)}`);
    const [one, page, card] = await Promise.all([
      get<Message>(`/conversations/${room}/messages/${id}`),
      get<{ items: Message[] }>(`/conversations/${room}/messages?limit=3`),
      get<{ last_message: Message | null; unread_count: number; last_event_id: string }>(`/conversations/${room}`),
    ]);
    const wrong = [
      ...(one.content === content ? [] : ['the message']),
      ...(page.items[0]?.id === id ? [] : ['the newest page']),
      ...(card.last_message?.id === id && card.unread_count === 0 ? [] : ['the conversation']),
      ...(card.last_event_id === sent.headers.get('chat-event-id') ? [] : ['its last event']),
    ];
    if (wrong.length === 0) right += 1;
    else findings.expect(false, `${wrong.join(', ')} was stale after ${id} of ${room}, projectors ${how}`);
  }
  return right;
}

/** What a refusal must leave behind: nothing. */
import { expect } from 'chai';
import type { World } from './world.ts';

/** What the product writes by itself, when it comes to it. */
const AT_ITS_LEISURE = new Set([
  'notification.created',
  'conversation.joined',
  'conversation.left',
  'presence.changed',
]);

/** Events that somebody's act appended, of all feeds, while nothing trims. */
export async function eventsWritten(world: World): Promise<number> {
  const { keys, connection } = world.log;
  const feeds = Array.from({ length: keys.partitions }, (_, p) => keys.at(p, 'feed'));
  const entries = await Promise.all(feeds.map((feed) => connection.commands.xrange(feed, '-', '+')));
  return entries.flat().filter(([, [, type = '']]) => !AT_ITS_LEISURE.has(type)).length;
}

/** Runs what must be refused, and checks that it appended nothing. */
export async function writesNothing<T>(world: World, what: string, attempt: () => Promise<T>): Promise<T> {
  const before = await eventsWritten(world);
  const result = await attempt();
  expect(await eventsWritten(world), `${what}: events written`).to.equal(before);
  return result;
}

/** What a refusal must leave behind: nothing. */
import { expect } from 'chai';
import type { World } from './world.ts';

/** Entries of all feeds: every event that was ever appended, while nothing trims. */
export async function eventsWritten(world: World): Promise<number> {
  const { keys, connection } = world.log;
  const feeds = Array.from({ length: keys.partitions }, (_, p) => keys.at(p, 'feed'));
  const lengths = await Promise.all(feeds.map((feed) => connection.commands.xlen(feed)));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** Runs what must be refused, and checks that it appended nothing. */
export async function writesNothing<T>(world: World, what: string, attempt: () => Promise<T>): Promise<T> {
  const before = await eventsWritten(world);
  const result = await attempt();
  expect(await eventsWritten(world), `${what}: events written`).to.equal(before);
  return result;
}

/**
 * The short version of every story: real processes, each kind of trouble at least once. A failure names the seed to tell it again with
 * `npm run prove -- <story> --short --seed N`. Some are told at a time, since much of a story is waiting.
 */
import { expect } from 'chai';
import { stories } from '../scripts/prove/stories/index.ts';
import type { Outcome } from '../scripts/prove/story.ts';

const AT_A_TIME = 3;
const TOLD_WITHIN_MS = 240_000;

describe('the stories', function () {
  this.timeout(TOLD_WITHIN_MS);
  const seed = Math.floor(Math.random() * 1_000_000);
  const tellings = stories.flatMap((story) =>
    Array.from({ length: story.shortSeeds ?? 1 }, (_, i) => ({
      story,
      seed: seed + i,
      title: `${story.name}: ${story.about}${i === 0 ? '' : `, again (${i + 1})`}`,
    })),
  );
  const outcomes = new Map<string, Promise<Outcome>>();

  before(() => {
    let earlier: Promise<unknown>[] = Array.from({ length: AT_A_TIME }, () => Promise.resolve());
    for (const [i, { story, seed: its, title }] of tellings.entries()) {
      const told = earlier[i % AT_A_TIME]!.then(() => story.run({ seed: its, short: true, say: () => {} }));
      outcomes.set(title, told);
      // Whoever comes after goes on also when this one broke; its own test says so.
      earlier = earlier.with(
        i % AT_A_TIME,
        told.catch(() => {}),
      );
    }
  });

  for (const { story, seed: its, title } of tellings) {
    it(title, async function () {
      const { failures, skipped } = await outcomes.get(title)!;
      expect(failures, `seed ${its}\n${failures.join('\n')}`).to.deep.equal([]);
      if (skipped === undefined) return;
      console.log(`      SKIPPED in ${story.name}: ${skipped}`);
      this.skip();
    });
  }
});

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
  const outcomes = new Map<string, Promise<Outcome>>();

  before(() => {
    let earlier: Promise<unknown>[] = Array.from({ length: AT_A_TIME }, () => Promise.resolve());
    for (const [i, story] of stories.entries()) {
      const told = earlier[i % AT_A_TIME]!.then(() => story.run({ seed, short: true, say: () => {} }));
      outcomes.set(story.name, told);
      // Whoever comes after goes on also when this one broke; its own test says so.
      earlier = earlier.with(
        i % AT_A_TIME,
        told.catch(() => {}),
      );
    }
  });

  for (const { name, about } of stories) {
    it(`${name}: ${about}`, async function () {
      const { failures, skipped } = await outcomes.get(name)!;
      expect(failures, `seed ${seed}\n${failures.join('\n')}`).to.deep.equal([]);
      if (skipped === undefined) return;
      console.log(`      SKIPPED in ${name}: ${skipped}`);
      this.skip();
    });
  }
});

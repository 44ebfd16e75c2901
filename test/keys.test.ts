/** Key names: one slot per partition, slots evenly spread, and no id that could reach another key. */
import { expect } from 'chai';
import fc from 'fast-check';
import keySlot from 'cluster-key-slot';
import { conversationStream, isKeyName, Keys, streamOfKey, userStream } from '../src/keys.ts';

const SLOTS = 16_384;
const keys = new Keys(64);
const partitions = Array.from({ length: 64 }, (_, i) => i);
const ids = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);

describe('keys', () => {
  it('put 64 partitions on 12 masters 5 or 6 to each, and on 16 masters 4', () => {
    const perMaster = (masters: number) => {
      const counts = Array.from({ length: masters }, () => 0);
      for (const p of partitions) counts[Math.floor((keySlot(keys.at(p, 'feed')) * masters) / SLOTS)]! += 1;
      return counts;
    };
    expect(perMaster(12).every((n) => n === 5 || n === 6)).to.equal(true);
    expect(new Set(perMaster(16))).to.deep.equal(new Set([4]));
  });

  for (const count of [1, 2, 4, 7, 64, 1024]) {
    it(`give each of ${count} partitions a share of the slots of its own`, () => {
      const some = new Keys(count);
      for (let p = 0; p < count; p += 1) {
        expect(Math.floor((keySlot(some.at(p, 'feed')) * count) / SLOTS)).to.equal(p);
      }
    });
  }

  it('keep the tags that data was written under', () => {
    const tags = [0, 1, 2, 3, 4].map((p) => /\{(.*)\}/.exec(keys.at(p, 'feed'))![1]);
    expect(tags).to.deep.equal(['0.178', '1.2', '2.303', '3.63', '4.40']);
    expect(keys.of(conversationStream('01K0000000000000000000000C'), 'log')).to.equal(
      'chat:{46.343}:conversation:01K0000000000000000000000C:events',
    );
  });

  it('put all keys of an owner, of its partition and of its views into one slot', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const stream = conversationStream(id);
        const partition = keys.partitionOf(id);
        const all = [
          keys.of(stream, 'log'),
          keys.of(stream, 'head'),
          keys.of(stream, 'feed'),
          keys.at(partition, 'checkpoints'),
          keys.view('history:v1', stream),
          keys.view('history:v1', stream, 'docs'),
        ];
        expect(new Set(all.map((key) => keySlot(key))).size).to.equal(1);
      }),
    );
  });

  it('spread ids over all partitions', () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let n = 0; n < 6_400; n += 1) counts[keys.partitionOf(`01K${String(n).padStart(23, '0')}`)]! += 1;
    expect(Math.min(...counts)).to.be.above(50);
    expect(Math.max(...counts)).to.be.below(150);
  });

  for (const id of ['', 'a{b', 'a}b', 'a:b', 'a*b', 'a b', 'a\nb', 'a?b', 'a[b', 'ä', 'a'.repeat(65)]) {
    it(`refuse the id ${JSON.stringify(id)}`, () => {
      expect(() => keys.of(conversationStream(id), 'log')).to.throw('not an id');
      expect(() => keys.view('history:v1', conversationStream(id))).to.throw('not an id');
    });
  }

  it('refuse names and partitions that there are not', () => {
    expect(() => keys.of(userStream('a'), 'password')).to.throw('no key is called password');
    expect(() => keys.at(0, 'log')).to.throw('no key is called log');
    expect(() => keys.at(64, 'feed')).to.throw('partition 64');
    expect(isKeyName('feed') && isKeyName('log')).to.equal(true);
    expect(isKeyName('toString')).to.equal(false);
  });

  it('tell the stream of a log key, and of no other', () => {
    for (const stream of [conversationStream('01K'), userStream('01K')]) {
      expect(streamOfKey(keys.of(stream, 'log'))).to.deep.equal(stream);
      expect(streamOfKey(keys.of(stream, 'head'))).to.equal(undefined);
    }
    expect(streamOfKey(keys.at(0, 'feed'))).to.equal(undefined);
    expect(streamOfKey(keys.view('x:v1', userStream('01K'), 'events'))).to.equal(undefined);
  });
});

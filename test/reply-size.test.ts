/** How many entries of each feed are asked for at once. */
import { expect } from 'chai';
import type { RawEntry } from '../src/envelope.ts';
import { ReplySize } from '../src/log/reply-size.ts';

const rows = (count: number, bytes: number): RawEntry[] =>
  Array.from({ length: count }, () => [Buffer.from('1-1'), [Buffer.from('event'), Buffer.alloc(bytes)]]);

describe('the size of a reply', () => {
  it('begins with few, doubles while what comes is little, and is few again when nothing waits', () => {
    const size = new ReplySize(64, 64);
    const counts = [size.count];
    for (let i = 0; i < 4; i += 1) {
      expect(size.saw([rows(size.count, 300), rows(1, 300)])).to.equal(true);
      counts.push(size.count);
    }
    expect(size.saw([rows(3, 300)])).to.equal(false);
    expect([...counts, size.count]).to.deep.equal([8, 16, 16, 16, 16, 8]);
  });

  it('is as small as large entries need, but one of each feed', () => {
    const size = new ReplySize(64, 64);
    const large = () => Array.from({ length: 64 }, () => rows(size.count, 60_000));
    size.saw(large());
    expect(size.count * 64 * 60_000).to.be.below(4_194_304);
    size.saw(large());
    expect(size.count).to.equal(1);
  });

  it('counts for all connections together where each feed has one', () => {
    const size = new ReplySize(1, 64);
    size.saw([rows(8, 60_000)]);
    expect(size.count).to.equal(1);
    expect(size.most).to.equal(16);
  });
});

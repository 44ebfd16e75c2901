/** What the client library decides by itself: what an event is to a cursor, which commands may go, what an id is. No server is needed. */
import { expect } from 'chai';
import type { AnyEvent } from '../src/client/client.ts';
import { CommandQueue } from '../src/client/commands.ts';
import { Cursors, seqOf } from '../src/client/cursors.ts';
import { Refusal } from '../src/client/refusal.ts';
import { ulids } from '../src/client/ulid.ts';
import { isUlid } from '../src/envelope.ts';
import { codeOf } from './support/library.ts';

describe('the parts of the client library', () => {
  it('an id is greater than the one before, in the same millisecond, too', () => {
    const newId = ulids();
    const ids = Array.from({ length: 5_000 }, newId);
    expect(ids.every(isUlid)).to.equal(true);
    expect(ids).to.deep.equal([...new Set(ids)].toSorted());
  });

  it('an event is the next one, an old one, or shows that something is missing', () => {
    const cursors = new Cursors([['a', '1000-5']]);
    const take = (stream: string, seq: number) => cursors.take(stream, { id: `2000-${seq}`, seq } as AnyEvent);
    expect([take('a', 5), take('a', 7), take('a', 6), take('a', 6), take('a', 7)]).to.deep.equal([
      'old',
      'gap',
      'next',
      'old',
      'next',
    ]);
    expect(cursors.get('a')).to.equal('2000-7');
    expect(take('b', 41), 'of a stream that is not known any event is where it begins').to.equal('next');
    cursors.forget('a');
    expect(take('a', 20)).to.equal('next');
    expect([seqOf('1000-9'), seqOf(undefined), seqOf(null)]).to.deep.equal([9, 0, 0]);
  });

  it('resumes what was active last, and says what did not fit', () => {
    const cursors = new Cursors([['me', '1-1'] as const]);
    for (let i = 0; i < 902; i += 1) cursors.set(`room ${i}`, `1-${i}`);
    cursors.set('room 0', '2-1');
    const { data, dropped } = cursors.resume('me');
    expect(dropped).to.deep.equal(['room 1', 'room 2']);
    expect(data).to.have.property('user', '1-1');
    expect(Object.keys((data as { cursors: object }).cursors).length).to.equal(900);
    expect([cursors.has('room 1'), cursors.has('room 0')]).to.deep.equal([false, true]);
  });

  describe('commands on their way', () => {
    const opened = () => {
      const queue = new CommandQueue();
      const frames: { type: string; id: string; request_id?: string }[] = [];
      const open = () => queue.open((frame) => frames.push(JSON.parse(frame) as (typeof frames)[number]));
      const run = (type: string, requestId?: string, withinMs = 5_000) => queue.run(type, {}, { requestId, withinMs });
      return { queue, frames, open, run };
    };

    it('outlive a socket where they may be repeated, in their order and under their id; others go down with it', async () => {
      const { queue, frames, open, run } = opened();
      expect(await codeOf(run('typing.start'))).to.equal('lost');
      const first = run('message.edit', 'A');
      open();
      const second = run('message.edit', 'B');
      const typing = codeOf(run('typing.start'));
      queue.close();
      expect(await typing).to.equal('lost');
      open();
      expect(frames.map(({ type, request_id }) => request_id ?? type)).to.deep.equal([
        'A',
        'B',
        'typing.start',
        'A',
        'B',
      ]);
      queue.answered(frames[3]!.id, { n: 1 });
      queue.answered(frames[0]!.id, { n: 'of another life' });
      queue.refused(frames[4]!.id, new Refusal({ code: 'forbidden' }));
      expect(await first).to.deep.equal({ n: 1 });
      expect(await codeOf(second)).to.equal('forbidden');
    });

    it('are repeated where the server could not do them, and end by their deadline', async () => {
      const { queue, frames, open, run } = opened();
      open();
      const again = run('message.pin', 'A');
      queue.refused(frames[0]!.id, new Refusal({ code: 'unavailable', retry_after: 0.01 }));
      while (frames.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(frames[1]!.request_id).to.equal('A');
      queue.answered(frames[1]!.id, {});
      expect(await codeOf(again)).to.equal('ok');
      expect(await codeOf(run('message.pin', 'B', 20))).to.equal('timeout');
      const ended = codeOf(run('message.pin', 'C'));
      queue.end(new Refusal({ code: 'stopped' }));
      expect(await ended).to.equal('stopped');
    });

    it('are bounded: so many at once, so many unanswered, so many that wait', async () => {
      const { queue, frames, open, run } = opened();
      const all = Array.from({ length: 1_001 }, () => codeOf(run('message.pin', 'A')));
      expect(await all.at(-1)).to.equal('full');
      open();
      expect(frames.length, 'at once').to.be.within(10, 11);
      const ends = Date.now() + 2_000;
      while (frames.length < 32 && Date.now() < ends) await new Promise((resolve) => setTimeout(resolve, 10));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(frames.length, 'without an answer').to.equal(32);
      queue.end(new Refusal({ code: 'stopped' }));
      expect(new Set(await Promise.all(all))).to.deep.equal(new Set(['stopped', 'full']));
    });
  });
});

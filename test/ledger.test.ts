/** The checker of the stories, against ledgers that contain each fault. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Checker, FAULTS } from '../scripts/prove/checker.ts';
import type { LoggedEvent, Report } from '../scripts/prove/checker.ts';
import { digestOf, Ledgers } from '../scripts/prove/ledger.ts';
import type { Line } from '../scripts/prove/ledger.ts';

const ROOM = 'room';
const idOf = (seq: number, ms = 1_000) => `${ms + seq}-${seq}`;
const logged = (seq: number, ms?: number): LoggedEvent => ({
  id: idOf(seq, ms),
  seq,
  digest: `d${idOf(seq, ms)}`,
  message: `m${seq}`,
  content: `c${seq}`,
});
const log = [1, 2, 3, 4].map((seq) => logged(seq));

const sent = (seq: number): Line => ({
  line: 'sent',
  client: 'w',
  conversation: ROOM,
  message: `m${seq}`,
  content: `c${seq}`,
});
const acked = (seq: number, event = idOf(seq)): Line => ({
  line: 'acked',
  client: 'w',
  message: `m${seq}`,
  event,
  durability: 'disk',
});
const failed = (seq: number, code: string): Line => ({ line: 'failed', client: 'w', message: `m${seq}`, code });
const began = (reader: string, after = '0-0'): Line => ({ line: 'began', reader, conversation: ROOM, after });
const reset = (reader: string, last: string): Line => ({ line: 'reset', reader, conversation: ROOM, last });
const seen = (reader: string, seq: number, ms?: number, digest = `d${idOf(seq, ms)}`): Line => ({
  line: 'seen',
  reader,
  conversation: ROOM,
  event: idOf(seq, ms),
  seq,
  digest,
});

const written: Line[] = [1, 2, 3, 4].flatMap((seq) => [sent(seq), acked(seq)]);
const read = (reader: string, ...seqs: number[]): Line[] => [began(reader), ...seqs.map((seq) => seen(reader, seq))];

function check(lines: Line[], events: LoggedEvent[] = log, complete = true): Report {
  const checker = new Checker(new Map([[ROOM, events]]));
  for (const line of lines) checker.take(line);
  return checker.report(complete);
}

function expectOnly(report: Report, expected: Partial<Record<(typeof FAULTS)[number], number>>): void {
  const none = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));
  expect(report.faults, report.examples.join('\n')).to.deep.equal({ ...none, ...expected });
}

describe('the checker of ledgers', () => {
  it('finds nothing in a clean one, and counts it', () => {
    const report = check([...written, ...read('a', 1, 2, 3, 4), ...read('b', 1, 2, 3, 4)]);
    expectOnly(report, {});
    expect(report.counts).to.deep.equal({ sent: 4, acked: 4, failed: 0, deeds: 0, seen: 8, resets: 0, events: 4 });
    expect(report.examples).to.deep.equal([]);
  });

  it('lost: an acknowledged message is not in the log', () => {
    const report = check([...written, sent(5), acked(5)]);
    expectOnly(report, { lost: 1 });
    expect(report.examples[0]).to.include('m5');
  });

  it('lost: the log has it under another event than the ack said', () => {
    expectOnly(check([sent(1), acked(1, '77-1')], [logged(1)]), { lost: 1 });
  });

  it('duplicate: a message id is twice in the log', () => {
    expectOnly(check(written, [...log, { ...logged(5), message: 'm2', content: 'c2' }]), { duplicate: 1, lost: 1 });
  });

  it('duplicate: two acks name different events', () => {
    expectOnly(check([...written, acked(4, '9-9'), acked(4)]), { duplicate: 2 });
  });

  it('duplicate: a reader got an event twice', () => {
    expectOnly(check([...written, ...read('a', 1, 2, 2, 3, 4)]), { duplicate: 1 });
  });

  it('reordered: a reader got an event after a later one', () => {
    expectOnly(check([...written, ...read('a', 1, 3, 2, 4)]), { gap: 1, reordered: 1 });
  });

  it('gap: a reader went on without an event in between', () => {
    expectOnly(check([...written, ...read('a', 1, 2, 4)]), { gap: 1 });
  });

  it('gap: a reader began in the middle of what it asked for', () => {
    expectOnly(check([...written, began('a', idOf(1)), seen('a', 3), seen('a', 4)]), { gap: 1 });
  });

  it('gap: a reader stopped short of the end, unless it had no time to reach it', () => {
    const lines = [...written, ...read('a', 1, 2, 3)];
    expectOnly(check(lines), { gap: 1 });
    expectOnly(check(lines, log, false), {});
  });

  it('gap: the log itself has a hole', () => {
    expectOnly(check([sent(1), acked(1), sent(3), acked(3)], [logged(1), logged(3)]), { gap: 1 });
  });

  it('invented: a reader saw what the log does not have', () => {
    expectOnly(check([...written, ...read('a', 1, 2, 3, 4), seen('a', 5)]), { invented: 1 });
  });

  it('invented: the log has what nobody sent, or other words', () => {
    expectOnly(check(written, [...log, logged(5)]), { invented: 1 });
    expectOnly(check(written, [...log.slice(0, 3), { ...logged(4), content: 'other words' }]), { invented: 1 });
  });

  it('invented: what was refused for good was done; what was left in doubt may be', () => {
    expectOnly(check([...written, sent(5), failed(5, 'forbidden')], [...log, logged(5)]), { invented: 1 });
    expectOnly(check([...written, sent(5), failed(5, 'unknown_outcome')], [...log, logged(5)]), {});
  });

  it('divergent: a reader saw other bytes than the log has', () => {
    expectOnly(check([...written, ...read('a', 1, 2, 3), seen('a', 4, undefined, 'other')]), { divergent: 1 });
  });

  it('but for the words of a deleted message, which one reader saw and the other came too late for', () => {
    const events = [...log.slice(0, 3), { ...logged(4), toldLate: 'emptied' }];
    const lines = [...written, ...read('a', 1, 2, 3, 4), ...read('b', 1, 2, 3), seen('b', 4, undefined, 'emptied')];
    expectOnly(check(lines, events), {});
    expectOnly(check([...lines, ...read('c', 1, 2, 3), seen('c', 4, undefined, 'other')], events), { divergent: 1 });
  });

  it('and for what is withheld where there was a block', () => {
    const events = [...log.slice(0, 3), { ...logged(4), withheld: 'placeholder' }];
    const lines = [...written, ...read('a', 1, 2, 3, 4), ...read('b', 1, 2, 3), seen('b', 4, undefined, 'placeholder')];
    expectOnly(check(lines, events), {});
    expectOnly(check(lines), { divergent: 1 });
  });

  it('divergent: two readers have different events at one place', () => {
    const lines = [...written, ...read('a', 1, 2, 3, 4), ...read('b', 1, 2, 3), seen('b', 4, 2_000)];
    expectOnly(check(lines), { divergent: 1, invented: 1 });
  });

  it('what was seen before a reset may be gone; after it order counts again', () => {
    const lost = [began('a'), seen('a', 1), seen('a', 2, 5_000), seen('a', 3, 5_000)];
    expectOnly(check([...written, ...lost, reset('a', idOf(2)), seen('a', 3), seen('a', 4)]), {});
    expectOnly(check([...written, ...lost, reset('a', idOf(2)), seen('a', 4)]), { gap: 1 });
    expectOnly(check([...written, ...lost, seen('a', 4)]), { invented: 2 });
  });

  describe('what was done to messages', () => {
    const did = (request: string): Line => ({
      line: 'did',
      client: 'w',
      conversation: ROOM,
      request,
      deed: 'reaction.add',
    });
    const done = (request: string, event: string): Line => ({ line: 'done', client: 'w', request, event });
    const undone = (request: string, code: string): Line => ({ line: 'undone', client: 'w', request, code });
    const deed = (seq: number, request: string): LoggedEvent => ({
      id: idOf(seq),
      seq,
      digest: `d${idOf(seq)}`,
      request,
    });

    it('is in the log once, under the event that was named; or nowhere, where nothing changed', () => {
      const report = check(
        [...written, did('r5'), done('r5', idOf(5)), did('r6'), done('r6', '')],
        [...log, deed(5, 'r5')],
      );
      expectOnly(report, {});
      expect(report.counts.deeds).to.equal(2);
    });

    it('lost: it is not there, or under another event', () => {
      expectOnly(check([...written, did('r5'), done('r5', idOf(5))]), { lost: 1 });
      expectOnly(check([...written, did('r5'), done('r5', idOf(9))], [...log, deed(5, 'r5')]), { lost: 1 });
    });

    it('duplicate: it is there twice', () => {
      const events = [...log, deed(5, 'r5'), deed(6, 'r5')];
      expectOnly(check([...written, did('r5'), done('r5', idOf(6))], events), { duplicate: 1 });
    });

    it('invented: it was refused for good and done, or answered and never asked for', () => {
      expectOnly(check([...written, did('r5'), undone('r5', 'forbidden')], [...log, deed(5, 'r5')]), { invented: 1 });
      expectOnly(check([...written, did('r5'), undone('r5', 'unknown_outcome')], [...log, deed(5, 'r5')]), {});
      expectOnly(check([...written, done('r5', '')]), { invented: 1 });
    });
  });

  it('counts every fault and shows the first few', () => {
    const report = check([...written, ...[5, 6, 7, 8, 9].flatMap((seq) => [sent(seq), acked(seq)])]);
    expectOnly(report, { lost: 5 });
    expect(report.examples).to.have.length(3);
  });
});

describe('ledgers on disk', () => {
  it('give back every line of every client in its order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
    try {
      const ledgers = new Ledgers(folder);
      for (const line of written) ledgers.of('w').write(line);
      for (const line of read('a', 1, 2, 3, 4)) ledgers.of('a').write(line);
      const checker = new Checker(new Map([[ROOM, log]]));
      for await (const line of ledgers.lines()) checker.take(line);
      expect(checker.report(true).counts).to.include({ sent: 4, acked: 4, seen: 4 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('digests tell bytes apart', () => {
    expect(digestOf('a')).to.equal(digestOf(Buffer.from('a')));
    expect(digestOf('a')).not.to.equal(digestOf('b'));
  });
});

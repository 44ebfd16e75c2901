/** Documents that are stored without what is mostly not there come back to the byte. */
import { expect } from 'chai';
import fc from 'fast-check';
import { NEUTRAL, newMessage } from '../src/chat/messages/document.ts';
import type { Message } from '../src/chat/messages/contract.ts';
import { history } from '../src/chat/messages/history.ts';
import { leavingOut } from '../src/views/packing.ts';

describe('stored documents', () => {
  interface Doc {
    readonly id: string;
    readonly text: string;
    readonly at: number | string;
    readonly flag: boolean;
    readonly who: string | null;
    readonly list: readonly unknown[];
    readonly count: number;
    readonly more: object;
  }
  const neutral = { flag: false, who: null, list: [], count: 1, more: {} };
  const packing = leavingOut<Doc>('at', neutral);
  const back = (doc: Doc) => packing.unpack(Buffer.from(packing.pack(doc))).toString();
  const plain: Doc = { id: 'a', text: '', at: 7, ...neutral };

  it('come back whatever they hold', () => {
    const nasty = fc.constantFrom('"', '\\', '\\"', ',"at":1', ',"flag":true', '}', '[', '{"at":', 'null', 'é\u2028');
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join('')),
    );
    const doc: fc.Arbitrary<Doc> = fc.record({
      id: text,
      text,
      at: fc.oneof(fc.integer(), text),
      flag: fc.boolean(),
      who: fc.option(text),
      list: fc.array(fc.jsonValue(), { maxLength: 3 }),
      count: fc.integer({ min: 0, max: 2 }),
      more: fc.dictionary(
        text.filter((name) => name !== '__proto__'),
        fc.jsonValue(),
        { maxKeys: 3 },
      ),
    });
    fc.assert(
      fc.property(doc, (each) => back(each) === JSON.stringify(each)),
      { numRuns: 1_000 },
    );
  });

  it('take no bytes for what is not there', () => {
    expect(packing.pack(plain)).to.equal('{"id":"a","text":"","at":7}');
    expect(packing.pack({ ...plain, count: 2 })).to.equal('{"id":"a","text":"","at":7,"count":2}');
  });

  it('are also read where they were stored whole, and where they are none', () => {
    for (const doc of [plain, { ...plain, who: 'x', more: { at: 1 } }]) {
      expect(packing.unpack(Buffer.from(JSON.stringify(doc))).toString()).to.equal(JSON.stringify(doc));
    }
    for (const broken of ['', '{', 'not JSON', '{"id":"a","at":"', '{"at":[[']) {
      expect(() => packing.unpack(Buffer.from(broken)), broken).not.to.throw();
    }
  });

  it('a message has the fields that may be left out at its end, in this order and with these values', () => {
    const of = {
      id: '1-1',
      seq: 1,
      at: '2026-11-25T00:00:00.000Z',
      type: 'message.sent',
      version: 1,
      actor_id: 'x',
      data: {},
    };
    const message = newMessage(of, 'y', { content: '', message_type: 'text', metadata: {} });
    const names = Object.keys(message);
    expect(names.slice(-Object.keys(NEUTRAL).length)).to.deep.equal(Object.keys(NEUTRAL));
    expect(message).to.deep.include(NEUTRAL);
    const pack = (one: Message) => history.packing!.pack(one);
    expect(Object.keys(JSON.parse(pack(message)) as object)).to.deep.equal(names.slice(0, 8));
    const reacted: Message = {
      ...message,
      reactions: [{ emoji: '👍', count: 1, user_ids: ['x'] }],
      metadata: { pinned: 1 },
    };
    for (const one of [message, reacted, { ...reacted, forwarded_from: null, revision: 2, content: ',"created_at":"' }])
      expect(history.packing!.unpack(Buffer.from(pack(one))).toString()).to.equal(JSON.stringify(one));
  });
});

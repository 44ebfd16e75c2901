/** Ids, stored bytes to events, and the checks that outside input passes before a schema looks at it. Pure: no Redis. */
import { expect } from 'chai';
import fc from 'fast-check';
import Type from 'typebox';
import {
  checkCommandFrame,
  checkPlain,
  compareEventIds,
  eventId,
  eventOfEntry,
  Id,
  parseEventId,
  rawEvent,
  validator,
} from '../src/envelope.ts';
import { eventDecoder } from '../src/log/decoder.ts';
import type { EventDefinition, RawEvent } from '../src/envelope.ts';
import { refusal } from './support/refusal.ts';

const part = fc.nat({ max: 999_999_999_999_999 });
const anId = fc.record({ ms: part, seq: part });
const text = ({ ms, seq }: { ms: number; seq: number }) => `${ms}-${seq}`;
const CONVERSATION = '01K0000000000000000000000C';

function stored(overrides: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: '1763650000000-42',
    seq: 42,
    at: '2025-11-20T14:46:40.000Z',
    conversation_id: CONVERSATION,
    actor_id: '01K0000000000000000000000A',
    type: 'thing.done',
    version: 1,
    data: { name: 'a' },
    ...overrides,
  });
}

function raw(json: string, type = 'thing.done'): RawEvent {
  const found = rawEvent(type, Buffer.from(json));
  if (!found) throw new Error('not read as an event');
  return found;
}

describe('event ids', () => {
  it('read what they write', () => {
    fc.assert(fc.property(anId, (id) => void expect(parseEventId(text(id))).to.deep.equal(id)));
  });

  it('compare by milliseconds and then by seq, never as text', () => {
    const asBigInt = ({ ms, seq }: { ms: number; seq: number }) => BigInt(ms) * 10n ** 15n + BigInt(seq);
    const sign = (n: number | bigint) => (n > 0 ? 1 : n < 0 ? -1 : 0);
    fc.assert(
      fc.property(anId, anId, (a, b) => {
        expect(sign(compareEventIds(a, b))).to.equal(sign(asBigInt(a) - asBigInt(b)));
        expect(compareEventIds(a, a)).to.equal(0);
      }),
    );
    expect(compareEventIds(eventId('9-0'), eventId('10-0'))).to.be.below(0);
    expect(compareEventIds(eventId('5-9'), eventId('5-10'))).to.be.below(0);
  });

  for (const wrong of [
    '',
    '-',
    '1',
    '1-',
    '-1',
    '1-2-3',
    '01-2',
    '1-02',
    '1-2 ',
    '1.5-2',
    '1e3-2',
    '$',
    '1-*',
    '１-２',
  ]) {
    it(`refuse ${JSON.stringify(wrong)}`, () => {
      expect(parseEventId(wrong)).to.equal(undefined);
      expect(() => eventId(wrong)).to.throw('not an event id');
    });
  }

  it('refuse numbers that could not be told apart', () => {
    expect(parseEventId('1000000000000000-1')).to.equal(undefined);
    expect(parseEventId(`1-${2n ** 64n}`)).to.equal(undefined);
  });
});

describe('rawEvent', () => {
  it('reads what routing needs off the first bytes', () => {
    const { json, ...facts } = raw(stored());
    expect(facts).to.deep.equal({
      id: '1763650000000-42',
      seq: 42,
      type: 'thing.done',
      stream: { kind: 'conversation', id: CONVERSATION },
    });
    expect(json.toString()).to.equal(stored());
    const ofUser = stored().replace('conversation_id', 'user_id');
    expect(raw(ofUser).stream).to.deep.equal({ kind: 'user', id: CONVERSATION });
  });

  it('holds at the longest id', () => {
    const long = '999999999999999';
    expect(raw(stored({ id: `${long}-${long}`, seq: Number(long) })).seq).to.equal(Number(long));
  });

  it('does not take what is not ours for an event', () => {
    for (const json of [
      '',
      '{}',
      'null',
      '{"id":"x"}',
      stored().slice(1),
      stored({ id: '$' }),
      stored({ at: 'now' }),
    ]) {
      expect(rawEvent('thing.done', Buffer.from(json))).to.equal(undefined);
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !rawEvent('x', Buffer.from(bytes))));
  });

  it('takes only entries whose first fields are type and event', () => {
    const fields = (...texts: string[]) => texts.map((t) => Buffer.from(t));
    expect(eventOfEntry(fields('type', 'thing.done', 'event', stored()))?.seq).to.equal(42);
    expect(eventOfEntry(fields('type', 'thing.done', 'event', stored(), 'proof', 'p'))?.seq).to.equal(42);
    expect(eventOfEntry(fields('event', stored(), 'type', 'thing.done'))).to.equal(undefined);
    expect(eventOfEntry(fields('type', 'thing.done'))).to.equal(undefined);
    expect(eventOfEntry(fields('hello', 'world', 'event', stored()))).to.equal(undefined);
    expect(eventOfEntry(null)).to.equal(undefined);
  });
});

describe('eventDecoder', () => {
  const done: EventDefinition = { type: 'thing.done', version: 1, data: Type.Object({ name: Type.String() }) };
  const newer: EventDefinition = {
    type: 'thing.done',
    version: 3,
    data: Type.Object({ names: Type.Array(Type.String()), count: Type.Integer() }),
    upcasts: {
      1: (data: { name: string }) => ({ names: [data.name] }),
      2: (data: { names: string[] }) => ({ ...data, count: data.names.length }),
    },
  };
  const decode = eventDecoder([done]);

  it('gives the event as it is stored', () => {
    expect(decode(raw(stored()))).to.deep.equal(JSON.parse(stored()));
  });

  it('knows the types that are declared', () => {
    expect(decode.knows('thing.done')).to.equal(true);
    expect(decode.knows('thing.undone')).to.equal(false);
    expect(decode.knows('constructor')).to.equal(false);
  });

  const poisons: [string, string, string, string?][] = [
    ['an unknown type', stored({ type: 'thing.undone' }), 'unknown event type thing.undone', 'thing.undone'],
    ['broken JSON', `${stored().slice(0, -1)},`, 'JSON'],
    ['an entry of another type than its event', stored({ type: 'thing.undone' }), 'its event says thing.undone'],
    ['a missing field', stored({ data: {} }), 'name'],
    ['a field of another kind', stored({ data: { name: 7 } }), 'string'],
    ['missing data', stored({ data: undefined }), 'object'],
    ['a version from the future', stored({ version: 2 }), 'newer than known'],
    ['no version', stored({ version: undefined }), 'version'],
    ['a version that is none', stored({ version: 0.5 }), 'version'],
  ];
  for (const [what, json, reason, type] of poisons) {
    it(`throws on ${what}, with the reason`, () => {
      expect(() => decode(raw(json, type))).to.throw(reason);
    });
  }

  it('says nothing of what is written in an event that it cannot read', () => {
    const head = stored().slice(0, -1);
    for (const json of [`${head} secret`, `${head},"x":"secret`, `${head},"x":secret}`])
      expect(() => decode(raw(json))).to.throw(/^thing\.done is not JSON$/);
  });

  it('lifts old versions step by step to the newest', () => {
    const lift = eventDecoder([newer]);
    const lifted = { version: 3, data: { names: ['a'], count: 1 } };
    expect(lift(raw(stored()))).to.deep.include(lifted);
    expect(lift(raw(stored({ version: 2, data: { names: ['a'] } })))).to.deep.include(lifted);
    expect(lift(raw(stored(lifted)))).to.deep.equal(JSON.parse(stored(lifted)));
    expect(() => lift(raw(stored({ version: 4 })))).to.throw('newer than known');
  });
});

describe('checkPlain', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) });

  it('takes any plain JSON', () => {
    const plain = fc.jsonValue({ maxDepth: 8, stringUnit: 'grapheme' });
    const poisonous = /"(__proto__|constructor|prototype)":/;
    fc.assert(fc.property(plain, (value) => poisonous.test(JSON.stringify(value)) || checkPlain(value) === undefined));
  });

  it('takes 32 levels and no more, of objects and of lists', () => {
    checkPlain(nested(32));
    expect(refusal(() => checkPlain(nested(33))).message).to.include('deeper than 32');
    const lists = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown;
    expect(refusal(() => checkPlain(lists)).code).to.equal('validation_failed');
  });

  for (const key of ['__proto__', 'constructor', 'prototype']) {
    it(`refuses a field called ${key} at any depth`, () => {
      expect(refusal(() => checkPlain(JSON.parse(`{"a":[{"${key}":1}]}`))).errors?.[0]?.pointer).to.equal('/a/0');
    });
  }

  it('refuses half of a surrogate pair in a text or a name', () => {
    expect(refusal(() => checkPlain({ a: ['ok', 'x\ud800'] })).errors).to.deep.equal([
      { pointer: '/a/1', message: 'holds half of a surrogate pair' },
    ]);
    expect(refusal(() => checkPlain({ '\udc00': 1 })).code).to.equal('validation_failed');
    checkPlain({ a: '\ud83d\ude00' });
  });
});

describe('validator', () => {
  const check = validator(
    Type.Object({ id: Id, limit: Type.Integer({ maximum: 5, default: 2 }) }, { additionalProperties: false }),
    '/query',
  );

  it('gives the value with its defaults', () => {
    expect(check({ id: CONVERSATION })).to.deep.equal({ id: CONVERSATION, limit: 2 });
  });

  const wrong: [unknown, string][] = [
    [{}, '/query/id'],
    [{ id: CONVERSATION, limit: 6 }, '/query/limit'],
    [{ id: CONVERSATION, more: 1 }, '/query/more'],
    [{ id: CONVERSATION.toLowerCase() }, '/query/id'],
    [{ id: `8${CONVERSATION.slice(1)}` }, '/query/id'],
    [{ id: CONVERSATION.replace('C', 'U') }, '/query/id'],
    [[], '/query'],
  ];
  for (const [value, pointer] of wrong) {
    it(`names ${pointer} of ${JSON.stringify(value)}`, () => {
      const error = refusal(() => check(value));
      expect(error.code).to.equal('validation_failed');
      expect(error.errors?.map((e) => e.pointer)).to.deep.equal([pointer]);
    });
  }

  it('takes a command frame, and refuses one with a wrong request id', () => {
    const frame = { type: 'message.send', id: 'r1', request_id: CONVERSATION, data: { a: 1 } };
    expect(checkCommandFrame(frame)).to.deep.equal(frame);
    expect(refusal(() => checkCommandFrame({ ...frame, request_id: 'r1' })).errors?.[0]?.pointer).to.equal(
      '/request_id',
    );
    expect(refusal(() => checkCommandFrame({ data: {} })).errors?.[0]?.pointer).to.equal('/type');
  });
});

describe('words', () => {
  const Web = Type.Union([Type.String({ format: 'web-address', words: 'must be a web address' }), Type.Null()]);
  const check = validator(Type.Object({ web: Web, kind: Type.Optional(Type.Enum(['a', 'b'])) }), '');
  const refused = (value: object) => refusal(() => check(value)).errors;

  it('say what a value must be, once', () => {
    expect(refused({ web: 'nonsense' })).to.deep.equal([{ pointer: '/web', message: 'must be a web address' }]);
    expect(refused({ web: null, kind: 'c' })).to.deep.equal([{ pointer: '/kind', message: 'must be one of a, b' }]);
    expect(refusal(() => validator(Id, '')('x')).errors?.[0]?.message).to.equal('must be a ULID');
  });

  it('a web address is what a parser takes as one', () => {
    for (const web of ['https://a.example', 'HTTPS://A.example/x?y#z', 'http://[::1]:8000/ü', null]) {
      expect(() => check({ web }), String(web)).to.not.throw();
    }
    const not = [
      'https://:',
      'https://',
      'https://:80',
      'https:a',
      'ftp://a',
      '//a',
      'https://a b',
      'https:\\\\a',
      'https://a:99999',
    ];
    for (const web of [...not, 'https://a\n', 'javascript:alert(1)', '']) {
      expect(refused({ web }), web).to.have.length(1);
    }
  });
});

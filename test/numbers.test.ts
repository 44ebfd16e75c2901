/** Numbers in JSON that JavaScript would change are refused, and no others. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ChatError } from '../src/errors.ts';
import { checkNumbers } from '../src/numbers.ts';
import { refusal } from './support/refusal.ts';

describe('numbers', () => {
  const changed: [json: string, pointer: string][] = [
    ['{"a":9007199254740993}', '/a'],
    ['{"a":9007199254740992}', '/a'],
    ['{"a":-9007199254740993}', '/a'],
    ['{"a":1983516295378495150}', '/a'],
    ['{"a":[1, {"b": 1e-400}]}', '/a/1/b'],
    ['{"text":"1e5 and \\"9007199254740993","a":0.1000000000000000055}', '/a'],
    ['{"a":123456789.12345678901}', '/a'],
    ['{"a":1.7976931348623157001e308}', '/a'],
    ['[0.00000000000000000000000000001234567890123456789]', '/0'],
    ['12345678901234567890', ''],
  ];
  for (const [json, pointer] of changed) {
    it(`${json} is refused`, () => {
      const { code, errors } = refusal(() => checkNumbers(json));
      expect(code).to.equal('validation_failed');
      expect(errors).to.have.length(1);
      expect(errors![0]!.pointer).to.equal(pointer);
      expect(errors![0]!.message).to.match(/^would become .+ as a number: send it as a text$/);
    });
  }

  it('that stay what they are pass, and so do texts that look like others', () => {
    const kept = [
      '{"a":9007199254740991,"b":-9007199254740991,"c":0.30000000000000004,"d":1e21,"e":1.50e-7,"f":100000000000000000e-5}',
      '{"a":5e-324,"b":1.7976931348623157e308,"c":0e400,"d":0.000000000000000000000,"e":1.0000000000000000000}',
      '{"id":"9007199254740993","9007199254740993":"1e-400","t":"a\\\\","u":"\\"1e-400"}',
      '{"a":1e999}', // has its own refusal
    ];
    for (const json of kept) expect(() => checkNumbers(json), json).to.not.throw();
  });

  it('of any kind: what JavaScript writes, it reads back', () => {
    const withoutLong = fc.json().filter((json) => !/\d{16}/.test(json));
    fc.assert(fc.property(withoutLong, (json) => checkNumbers(json)));
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (n) => checkNumbers(`[${n.toExponential()}]`)),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }), fc.boolean(), (n, isNegative) => {
        expect(() => checkNumbers(`{"n":${isNegative ? '-' : ''}${n}}`)).to.throw();
      }),
    );
  });

  it('in a deep or long text cost no more than reading it', () => {
    checkNumbers(`${'['.repeat(30_000)}1${']'.repeat(30_000)}`);
    expect(() => checkNumbers(`${'['.repeat(30_000)}1e-400${']'.repeat(30_000)}`)).to.throw(ChatError);
    const since = Date.now();
    for (const part of ['1', '1.', '1 ', '"', '\\"', '1e', '[', '-']) checkNumbers(part.repeat(60_000 / part.length));
    expect(Date.now() - since).to.be.below(1_000);
  });
});

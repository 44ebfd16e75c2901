/** Whether a text breaks rules on content: words in whatever disguise, links, mentions, swear words; and that no text makes it slow. */
import { expect } from 'chai';
import fc from 'fast-check';
import { checkBy, isWord, loadBlocklist } from '../../src/chat/rules/check.ts';
import { NO_RULES } from '../../src/chat/rules/contract.ts';

describe('rules on content', () => {
  const words = (...list: string[]) => {
    const check = checkBy({ ...NO_RULES, words: list });
    return (content: string) => check({ content, mentions: 0 })?.rule;
  };

  it('find whole words, in whatever letters and however they are spaced', () => {
    const broken = words('Spam', 'buy now', 'Straße');
    for (const text of [
      'spam',
      'SPAM!',
      'no (spam) here',
      'ｓｐａｍ',
      's\u200bpa\u00adm',
      'Buy\n\u00a0now',
      'STRASSE',
      'spam, spam',
    ])
      expect(broken(text), text).to.equal('words');
    for (const text of ['spammer', 'wispam', 'buy it now', 'straßen', 'spam_', ''])
      expect(broken(text), text).to.equal(undefined);
  });

  it('find parts of words where a star says so, and in scripts without blanks anywhere', () => {
    const broken = words('spam*', '*coin', '*mid*', '垃圾', 'สแปม');
    for (const text of ['spammers', 'a bitcoin', 'amidst', '这是垃圾信息', 'นี่คือสแปมนะ'])
      expect(broken(text), text).to.equal('words');
    for (const text of ['wispam', 'coins', 'md']) expect(broken(text), text).to.equal(undefined);
  });

  it('take a word for what it is, not for a pattern', () => {
    for (const word of ['a.c', 'c++', '$$$', '(x|y)', 'a\\b', '[z]', 'a{2}', '^d', 'a-b', 'a/b']) {
      expect(words(word)(`so ${word} it is`), word).to.equal('words');
      expect(isWord(word), word).to.equal(true);
    }
    expect(words('a.c')('abc')).to.equal(undefined);
    for (const nothing of ['*', '**', ' * ', '\u200b', '...', 'ㅤ']) {
      expect(isWord(nothing), nothing).to.equal(false);
      expect(words(nothing.padEnd(1, ' '))('any text')).to.equal(undefined);
    }
  });

  it('any word is found where it stands alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (word) => {
        fc.pre(isWord(word) && !word.includes('*'));
        expect(words(word)(`well ${word} well`)).to.equal('words');
      }),
    );
  });

  it('find links, and no more than links', () => {
    const check = checkBy({ ...NO_RULES, links: false });
    const rule = (content: string) => check({ content, mentions: 0 })?.rule;
    for (const text of [
      'https://a.example',
      'see HTTP://a',
      'www.example.com',
      'ｈｔｔｐ://x',
      't.me/abc',
      '(discord.gg/x)',
      'пример.рф/путь',
      '[a](https://b)',
    ])
      expect(rule(text), text).to.equal('links');
    for (const text of [
      'and/or',
      'etc./so on',
      'e.g. this',
      'http',
      '3.14/2',
      'a...b',
      'www. no',
      'end.Next',
      'file.txt',
    ])
      expect(rule(text), text).to.equal(undefined);
  });

  it('count mentions, and say the first rule that is broken', () => {
    const check = checkBy({ ...NO_RULES, max_mentions: 2, links: false, words: ['x'] });
    expect(check({ content: 'hello', mentions: 2 })).to.equal(undefined);
    expect(check({ content: 'hello', mentions: 3 })?.says).to.include('more than 2');
    expect(checkBy({ ...NO_RULES, max_mentions: 0 })({ content: '', mentions: 1 })?.rule).to.equal('max_mentions');
    expect(check({ content: 'x https://y', mentions: 0 })?.rule).to.equal('words');
  });

  it('find swear words by the blocklist, also in disguise, and none in what only looks like them', async () => {
    const check = checkBy({ ...NO_RULES, blocklist: true }, await loadBlocklist());
    const rule = (content: string) => check({ content, mentions: 0 })?.rule;
    for (const text of ['fuck', 'you FUUUCK', 'sh1t', 'ｆｕｃｋ']) expect(rule(text), text).to.equal('blocklist');
    for (const text of ['hello', 'Scunthorpe', 'a class of assessments', 'shitake'])
      expect(rule(text), text).to.equal(undefined);
  });

  it('no text makes them slow', async () => {
    const check = checkBy(
      {
        blocklist: true,
        links: false,
        max_mentions: 0,
        words: Array.from({ length: 100 }, (_, i) => `${'a'.repeat(60)}${i}`),
      },
      await loadBlocklist(),
    );
    const hostile = [
      'a'.repeat(4_000),
      'a.'.repeat(2_000),
      'a-'.repeat(2_000),
      'aa.aa/ '.repeat(570),
      'www'.repeat(1_300),
      '.'.repeat(4_000),
      'fuc '.repeat(1_000),
      'http:/'.repeat(600),
      '\u0301'.repeat(4_000),
    ];
    for (const content of hostile) {
      const since = performance.now();
      check({ content, mentions: 0 });
      expect(performance.now() - since, content.slice(0, 10)).to.be.below(250);
    }
  });
});

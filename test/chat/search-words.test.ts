/** What search takes for words, how it reads what is typed, and what it shows: against a plain scan, on random texts of many scripts. */
import { expect } from 'chai';
import fc from 'fast-check';
import { needleOf } from '../../src/chat/search/needle.ts';
import { snippetOf } from '../../src/chat/search/snippet.ts';
import { TERMS_VERSION, termsOf, wordsOf } from '../../src/chat/search/words.ts';
import { fitting } from '../../src/views/leaf.ts';
import { blanks, isThere, plainWords, typed, vocabulary } from '../support/plain-search.ts';

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
const needle = (text: string) => needleOf(text, segmenter);
const word = fc.constantFrom(...vocabulary);
const text = fc
  .array(fc.tuple(word, fc.constantFrom(...blanks)), { minLength: 1, maxLength: 12 })
  .map((parts) => parts.flat().join(''));
const part = fc.oneof(
  word,
  word.map((each) => Array.from(each).slice(0, 2).join('')),
);
const query = fc.record({
  there: fc.array(part, { minLength: 1, maxLength: 3 }),
  phrases: fc.array(
    fc.tuple(word, word).map((two) => two.join(' ')),
    { maxLength: 1 },
  ),
  not: fc.array(word, { maxLength: 1 }),
  hasBeginning: fc.boolean(),
});
const marked = (said: string, asked: string) =>
  needle(asked)
    .rangesIn(said)
    ?.map(([from, to]) => said.slice(from, to));

describe('words of a search', () => {
  it('are the words of the text folded as a whole, in any script', () => {
    fc.assert(
      fc.property(text, (said) => {
        expect(wordsOf(said).words.map((each) => each.text)).to.deep.equal(plainWords(said));
      }),
    );
  });

  it('are found where a plain scan finds them, and by their terms', () => {
    fc.assert(
      fc.property(text, query, (said, asked) => {
        const found = needle(typed(asked));
        const ranges = found.rangesIn(said);
        expect(ranges !== undefined, typed(asked)).to.equal(isThere(said, asked));
        if (ranges && found.wanted.length > 0) expect(fitting(found.wanted)(termsOf(said)), 'terms').to.equal(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are shown as they stand in the text, each once and in order', () => {
    fc.assert(
      fc.property(text, query, (said, asked) => {
        const ranges = needle(typed(asked)).rangesIn(said);
        fc.pre(ranges !== undefined);
        let end = 0;
        for (const [from, to] of ranges!) {
          expect(from).to.be.at.least(end);
          expect(to).to.be.above(from);
          expect(said.slice(from, to).isWellFormed()).to.equal(true);
          end = to;
        }
        const { snippet, highlights } = snippetOf(said, ranges!);
        expect(said).to.include(snippet);
        expect(highlights.map(([from, to]) => snippet.slice(from, to))[0]).to.equal(
          ranges!.map(([from, to]) => said.slice(from, to))[0],
        );
      }),
      { numRuns: 500 },
    );
  });

  it('are read as people type them', () => {
    expect(marked('Hello, hello HELP', 'hel')).to.deep.equal(['Hello', 'hello', 'HELP']);
    expect(marked('Hello help', 'hel help')).to.equal(undefined);
    expect(marked('the STRASSE is die Straße', 'straße')).to.deep.equal(['STRASSE', 'Straße']);
    expect(marked('cafe\u0301 café', 'café')).to.deep.equal(['cafe\u0301', 'café']);
    expect(marked('one two three', '"two three"')).to.deep.equal(['two three']);
    expect(marked('one two, three', '“two three”')).to.deep.equal(['two, three']);
    expect(marked('one three two', '"two three"')).to.equal(undefined);
    expect(marked('one two three', 'two -four')).to.deep.equal(['two']);
    expect(marked('one two four', 'two -four')).to.equal(undefined);
    expect(marked('a well-known fact', 'known well-known')).to.deep.equal(['well', 'known']);
    expect(marked('東京都に行く', '京都')).to.deep.equal(['京都']);
    expect(marked('大学は東京にある', '京都')).to.equal(undefined);
    expect(marked('大学在北京', '北京大学')).to.deep.equal(['大学', '北京']);
    expect(marked('😀 𠮷野家 😀', '野')).to.deep.equal(['野']);
    expect(marked('anything', '-word')).to.deep.equal([]);
    expect(needle('-word').wanted).to.deep.equal([]);
    expect(needle('"" - !? …').wanted).to.deep.equal([]);
    expect(marked('so\u00adft', 'soft')).to.deep.equal(['so\u00adft']);
    const long = 'x'.repeat(100);
    expect(marked(`${long}y`, long)).to.deep.equal([`${long}y`]);
    expect(marked(`${long}y`, `"${long}"`)).to.equal(undefined);
  });

  it('change the version of the view when what is stored would change', () => {
    expect(TERMS_VERSION).to.equal(Number.parseInt(process.versions['unicode']!, 10) - 14);
    expect(termsOf('Straße 東京都 x')).to.deep.equal(['strasse', '東京', '京都', '都', 'x']);
  });
});

describe('a snippet', () => {
  it('is a piece of a long text around the first hit, begins with a word and cuts no character', () => {
    const said = `${'word '.repeat(100)}needle ${'👩‍👩‍👧 '.repeat(100)}`;
    const ranges = needle('needle').rangesIn(said)!;
    const { snippet, highlights } = snippetOf(said, ranges);
    expect(said).to.include(snippet);
    expect(snippet).to.match(/^word .*needle /);
    expect(snippet.isWellFormed()).to.equal(true);
    expect(snippet.length).to.be.within(200, 260);
    expect(highlights.map(([from, to]) => snippet.slice(from, to))).to.deep.equal(['needle']);
  });

  it('is the whole of a short text, with every hit', () => {
    expect(
      snippetOf('a b a', [
        [0, 1],
        [4, 5],
      ]),
    ).to.deep.equal({
      snippet: 'a b a',
      highlights: [
        [0, 1],
        [4, 5],
      ],
    });
    expect(snippetOf('', [])).to.deep.equal({ snippet: '', highlights: [] });
  });
});

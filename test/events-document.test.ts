/** `docs/events.md` has every event; that it is what the contracts make is held by the conventions. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import Type from 'typebox';
import { typeText } from '../scripts/events-document.ts';
import { events, signals } from '../src/chat/index.ts';
import { Id } from '../src/envelope.ts';

describe('the document of events', () => {
  const document = readFileSync(new URL('../docs/events.md', import.meta.url), 'utf8');

  it('has every event and every signal once, with an example and a line for redis-cli', () => {
    const sections = document.split(/^### /m).slice(1);
    const types = [...events, ...signals].map(({ type }) => type);
    expect(sections.map((section) => /^`([^`]+)`/.exec(section)![1]).toSorted()).to.deep.equal(types.toSorted());
    for (const section of sections) {
      expect(section).to.include('data: ').and.to.include('redis-cli ');
      const [, example = ''] = /```json\n(.+)\n```/.exec(section)!;
      expect(section).to.match(new RegExp(`^\`${(JSON.parse(example) as { type: string }).type}\``));
    }
  });

  it('writes schemas as one writes types', () => {
    const written = Type.Object({
      id: Id,
      at: Type.Optional(Type.String({ format: 'date-time' })),
      kinds: Type.Array(Type.Enum(['a', 'b'])),
      of: Type.Union([Type.Object({ count: Type.Integer() }), Type.Null()]),
      more: Type.Record(Type.String(), Type.Unknown()),
    });
    expect(typeText(written as object)).to.equal(
      "{ id: id, at?: time, kinds: ('a' | 'b')[], of: { count: integer } | null, more: object }",
    );
    expect([typeText({}), typeText(Type.Object({}) as object)]).to.deep.equal(['anything', '{}']);
  });
});

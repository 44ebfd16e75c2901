/**
 * Events as the first version of each was stored, kept for ever: whatever the program becomes, it reads them. Each file of `golden/` is
 * the event of one log entry, named `<type>.v<version>.json`; none is ever changed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { events } from '../src/chat/index.ts';
import { rawEvent } from '../src/envelope.ts';
import { eventDecoder } from '../src/log/decoder.ts';
import type { ChatEvent } from '../src/envelope.ts';

const FOLDER = new URL('golden/', import.meta.url);
const files = readdirSync(FOLDER);
const decode = eventDecoder(events);

describe('golden events', () => {
  it('are there for every version of every event, and for no other', () => {
    const versions = events.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, i) => `${type}.v${i + 1}.json`),
    );
    expect(files.toSorted()).to.deep.equal(versions.toSorted());
  });

  for (const file of files) {
    it(`${file} is read`, () => {
      const stored = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as ChatEvent;
      expect(file).to.equal(`${stored.type}.v${stored.version}.json`);
      const raw = rawEvent(stored.type, Buffer.from(JSON.stringify(stored)));
      expect(raw, 'its head').to.include({ id: stored.id, seq: stored.seq, type: stored.type });
      const { version } = events.find(({ type }) => type === stored.type)!;
      const read = decode(raw!);
      // An older one is lifted: its envelope stays, its data are what the newest version has.
      expect(read).to.deep.equal({ ...stored, version, data: read.data });
      if (stored.version === version) expect(read.data).to.deep.equal(stored.data);
    });
  }
});

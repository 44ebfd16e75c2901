/** What counts as the same name, what a name may be, and directories that were made by another folding. */
import { expect } from 'chai';
import fc from 'fast-check';
import { directoryEntry, refoldDirectories } from '../../src/chat/directory.ts';
import { fold, FOLDING } from '../../src/chat/folding.ts';
import { isBlank, isLonger, readableName } from '../../src/chat/text.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { register, useNodes } from '../support/server.ts';
import type { Node } from '../support/server.ts';
import { dump } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

describe('folding', () => {
  it('is one for all letters in which people type a name', () => {
    const same: string[][] = [
      ['Νικος', 'ΝΙΚΟΣ', 'νικοσ'],
      ['Straße', 'STRASSE', 'strasse', 'STRAẞE'],
      ['İstanbul', 'istanbul', 'ISTANBUL', 'ıstanbul'],
      ['Amélie', 'AME\u0301LIE'],
      ['ﬁnn', 'FINN'],
      ['Ａｄａ', 'ada'],
      ['ｶﾞ', 'ガ'],
      ['Ꭰ', 'ꭰ'],
      ['ᾳ', 'αι', 'ΑΙ'],
      ['so\u00adft\ufe0f', 'soft'],
    ];
    for (const names of same) expect(new Set(names.map(fold)), names.join()).to.have.length(1);
    expect(fold('ΝΙΚΟΣΑΚΗΣ').startsWith(fold('ΝΙΚΟΣ'))).to.equal(true);
    for (const [a, b] of [
      ['Amelie', 'Amélie'],
      ['o', 'ø'],
      ['и', 'й'],
    ] as const) {
      expect(fold(a)).to.not.equal(fold(b));
    }
  });

  it('of a letter is that of its every case and form, is its own, and that of what was folded before', () => {
    const olderFold = (text: string) => text.normalize('NFC').toLowerCase();
    const ways = [fold, olderFold, (c: string) => c.toUpperCase(), (c: string) => c.toLowerCase()];
    for (let code = 0; code < 0x20000; code += 1) {
      const letter = String.fromCodePoint(code);
      if (!/[\p{L}\p{M}\p{N}\p{S}]/u.test(letter)) continue;
      const folded = fold(letter);
      for (const way of [...ways, (c: string) => c.normalize('NFD'), (c: string) => c.normalize('NFC')]) {
        if (fold(way(letter)) !== folded) expect.fail(`U+${code.toString(16)} ${letter}`);
      }
    }
    const letters = fc.array(fc.constantFrom(...Array.from('aAéßẞςσΣıİI\u0307\u0301\u0345ﬁ가ᄀ\u200d\u00ad')), {
      maxLength: 8,
    });
    const name = fc.oneof(
      letters.map((all) => all.join('')),
      fc.string({ unit: 'binary' }),
    );
    expect(fold('İ\u0307')).to.equal('i');
    fc.assert(fc.property(name, (text) => fold(fold(text)) === fold(text)));
  });
});

describe('text', () => {
  it('a name shows something, in one line, and turns nothing around', () => {
    expect(readableName('  Ame\u0301lie \u202eevil\u202c ', 64)).to.equal('Amélie evil');
    for (const text of ['👩‍👩‍👧', '?', 'ا\u200cب']) expect(readableName(text, 64), text).to.equal(text);
    const nothing = [
      '',
      ' ',
      '\u200b',
      '\u3164',
      '\u2800',
      '\u202e',
      '\u0301',
      'a\nb',
      'a\u2028b',
      'a\0b',
      '\ufeff \u00ad',
    ];
    for (const text of nothing) expect(readableName(text, 64), JSON.stringify(text)).to.equal(undefined);
    expect(readableName('🎉'.repeat(64), 64)).to.equal('🎉'.repeat(64));
    expect(readableName('🎉'.repeat(65), 64)).to.equal(undefined);
    expect([isBlank(' \u3164\u2800'), isBlank('.')]).to.deep.equal([true, false]);
    expect([isLonger('🎉🎉', 2), isLonger('🎉🎉', 1)]).to.deep.equal([false, true]);
  });
});

for (const topology of topologies) {
  describe(`names on ${topology}`, () => {
    const world = useWorld(topology);
    const startNode = useNodes(world);
    const redis = () => world.log.connection.commands;

    async function names(
      node: Node,
    ): Promise<{ found: (path: string) => Promise<string[]>; ids: Record<string, string> }> {
      const ada = await register(node, 'ada');
      const nikos = await register(node, 'nikos');
      await nikos.rest.call('PATCH', '/users/me', { display_name: 'ΝΙΚΟΣΑΚΗΣ' });
      const made = await ada.rest.post<{ id: string }>('/conversations', {
        type: 'channel',
        name: 'Straßenmusik Νικος',
      });
      const field = (path: string, item: Json) => String(path.startsWith('/users') ? item['username'] : item['name']);
      return {
        ids: { nikos: nikos.id, channel: made.body.id },
        found: async (path) =>
          (await ada.rest.get<{ items: Json[] }>(path)).body.items.map((item) => field(path, item)),
      };
    }

    /** As a program would have left it that folded by small letters alone. */
    async function unfold(
      stream: StreamRef,
      directory: string,
      guard: string,
      field: string,
      name: string,
    ): Promise<void> {
      const entry = `${name.normalize('NFC').toLowerCase()}\n${stream.id}`;
      await redis().zrem(world.log.keys.of(stream, directory), directoryEntry(name, stream.id));
      await redis().zadd(world.log.keys.of(stream, directory), 0, entry);
      await redis().hset(world.log.keys.of(stream, guard), field, entry);
    }

    it('are found in whatever letters they are typed: users, channels and the own conversations', async () => {
      const { found } = await names(await startNode());
      for (const query of ['ΝΙΚΟΣ', 'νικος', 'Νικοσ']) {
        expect(await found(`/users?query=${encodeURIComponent(query)}`), query).to.deep.equal(['nikos']);
        expect(await found(`/conversations?query=${encodeURIComponent(query)}`), query).to.have.length(1);
      }
      for (const query of ['STRASSE', 'straße', 'Strasse']) {
        expect(await found(`/channels?query=${encodeURIComponent(query)}`), query).to.have.length(1);
      }
    });

    it('of an older folding are folded again by the nodes that start, once, and still move and go', async () => {
      const first = await startNode();
      const { found, ids } = await names(first);
      const [nikos, channel] = [userStream(ids['nikos']!), conversationStream(ids['channel']!)];
      const before = await dump(world.log);
      await unfold(nikos, 'users', 'account', 'name_entry', 'ΝΙΚΟΣΑΚΗΣ');
      await unfold(channel, 'channels', 'head', 'directory', 'Straßenmusik Νικος');
      const find = async () => [
        ...(await found(`/users?query=${encodeURIComponent('ΝΙΚΟΣΑΚΗΣ')}`)),
        ...(await found('/channels?query=STRASSE')),
      ];
      expect(await find()).to.deep.equal([]);

      // By its version this is what there is to be, so nobody looks.
      await refoldDirectories(world.log);
      expect(await find()).to.deep.equal([]);
      for (const stream of [nikos, channel]) {
        await redis().set(world.log.keys.of(stream, 'folding'), '1');
      }
      await Promise.all([startNode(), startNode(), refoldDirectories(await world.another())]);
      expect(await find()).to.deep.equal(['nikos', 'Straßenmusik Νικος']);
      expect(await redis().get(world.log.keys.of(nikos, 'folding'))).to.equal(FOLDING);
      const after = await dump(world.log);
      const guards = [world.log.keys.of(nikos, 'account'), world.log.keys.of(channel, 'channels')];
      for (const key of guards) expect(after[key], key).to.equal(before[key]);
    });
  });
}

/** The client library in a real browser: what it keeps in IndexedDB over a reload, and what only a browser has. */
import { expect } from 'chai';
import type { WebSocketRoute } from 'playwright-core';
import type * as Library from '../src/client/client.ts';
import { useBrowser } from './support/browser.ts';
import { useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

const SERVED = '/client/lib/client.js';
/** What the compiler of the tests takes for granted. */
const NAMES = 'globalThis.__name = (named) => named';

describe('the client library in a browser', () => {
  const { visit, adaAndBob, complaints } = useBrowser();
  const world = useWorld();
  const startNode = useNodes(world);

  it('messages that were written without a connection survive a reload, and are sent once and in order', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await bob.entry('Ada Lovelace').click();
    await ada.write('before');
    await bob.sees('before');
    // Whatever is said goes nowhere.
    let isCut = true;
    const open: WebSocketRoute[] = [];
    await ada.page.routeWebSocket(/\/api\/v1\/ws/, (page) => {
      open.push(page);
      const server = page.connectToServer();
      page.onMessage((text) => {
        if (!isCut || !String(text).includes('message.send')) server.send(text);
      });
    });
    await ada.page.reload();
    await ada.connected();
    const texts = Array.from({ length: 5 }, (_, i) => `without a connection ${i}`);
    for (const text of texts) await ada.write(text);
    await ada.row(texts[4]!).getByText('Sending').waitFor();
    await ada.page.reload();
    await ada.row(texts[4]!).getByText('Sending').waitFor();
    expect(await bob.messages()).to.deep.equal(['before']);
    isCut = false;
    for (const page of open.splice(0)) await page.close({ code: 1012, reason: 'come back' });
    for (const text of texts) await ada.sent(text);
    await bob.sees(...texts);
    expect(await bob.messages()).to.deep.equal(['before', ...texts]);
    await ada.page.reload();
    await ada.connected();
    await ada.sees(...texts);
    expect(await ada.messages()).to.deep.equal(['before', ...texts]);
  });

  it('the outbox in IndexedDB keeps order and belongs to one user', async () => {
    const { page } = await visit(await startNode());
    await page.evaluate(NAMES);
    const kept = await page.evaluate(async (served) => {
      const { outboxInIndexedDb } = (await import(served)) as typeof Library;
      const [ada, bob] = [outboxInIndexedDb('ada', 'test'), outboxInIndexedDb('ada2', 'test')];
      const unsent = (id: string) => ({ id, conversation_id: 'c', fields: { content: id }, written_at: '' });
      for (const id of ['02', '01', '03']) await ada.put(unsent(id));
      await bob.put(unsent('04'));
      await ada.put({ ...unsent('02'), refused: { code: 'forbidden' } });
      await ada.delete('03');
      // Another page of the same user.
      const again = await outboxInIndexedDb('ada', 'test').load();
      return [again.map(({ id, refused }) => [id, refused?.code]), (await bob.load()).map(({ id }) => id)];
    }, SERVED);
    expect(kept).to.deep.equal([
      [
        ['01', undefined],
        ['02', 'forbidden'],
      ],
      ['04'],
    ]);
  });

  it('an upload tells how far it has come', async () => {
    const node = await startNode();
    const { page } = await (await visit(node)).register('carla', 'Carla');
    await page.evaluate(NAMES);
    const [size, told] = await page.evaluate(async (served) => {
      const { Client, loginInMemory } = (await import(served)) as typeof Library;
      const login = JSON.parse(localStorage.getItem('rill.login') ?? '') as Library.Login;
      const client = new Client({ url: location.origin, login: loginInMemory(login) });
      const sizes: number[] = [];
      const file = new File(['words '.repeat(100_000)], 'words.txt', { type: 'text/plain' });
      const uploaded = await client.upload(file, { onProgress: (sent) => sizes.push(sent) });
      return [uploaded.size, sizes] as const;
    }, SERVED);
    expect(size).to.equal(600_000);
    expect(told.at(-1)).to.equal(600_000);
    expect(complaints()).to.deep.equal([]);
  });
});

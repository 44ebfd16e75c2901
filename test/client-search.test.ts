/** Search on the client page: what is typed is found in all conversations and marked, stays text, and leads there. */
import { expect } from 'chai';
import { useBrowser } from './support/browser.ts';
import { useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

describe('search on the client page', () => {
  const { adaAndBob, complaints } = useBrowser();
  const world = useWorld();
  const startNode = useNodes(world);

  it('finds a message, marks the words and opens its conversation', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await ada.write('Hello <b>Bob</b>, hello again');
    await ada.sent('hello again');
    await bob.page.getByRole('button', { name: 'Search' }).click();
    const box = bob.page.getByLabel('Words, "words in quotes"');
    await box.fill('bob hel');
    const found = bob.page.getByRole('list', { name: 'Messages found' }).getByRole('button');
    await found.filter({ hasText: 'Ada Lovelace' }).waitFor();
    expect(await found.locator('.snippet').allTextContents()).to.deep.equal(['Hello <b>Bob</b>, hello again']);
    expect(await found.locator('mark').allTextContents()).to.deep.equal(['Hello', 'Bob', 'hello']);
    await box.fill('nobody said this');
    await bob.page.getByText('Nothing was found.').waitFor();
    await box.fill('again');
    await found.click();
    await bob.sees('hello again');
    expect(await bob.page.locator('#search').isVisible()).to.equal(false);
    expect(complaints()).to.deep.equal([]);
  });
});

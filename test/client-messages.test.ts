/** What people do to messages on the client page, in a real browser: answer, edit and delete them. */
import { expect } from 'chai';
import { eventually } from '../scripts/prove/story.ts';
import { conversationStream } from '../src/keys.ts';
import { useBrowser } from './support/browser.ts';
import type { Person } from './support/browser.ts';
import { setClock } from './support/rooms.ts';
import { useNodes } from './support/server.ts';
import { drawing, TEXT, useFolder } from './support/uploading.ts';
import { useWorld } from './support/world.ts';

describe('messages on the client page', () => {
  const { visit, adaAndBob, complaints } = useBrowser();
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();

  const press = (person: Person, text: string, name: string) =>
    person.row(text).last().getByRole('button', { name }).click();
  const composer = (person: Person) => person.page.getByLabel('Message', { exact: true });

  it('are edited by who wrote them, and everyone sees it', async () => {
    const [ada, bob] = await adaAndBob(await startNode());
    await bob.entry('Ada Lovelace').click();
    await ada.write('Helo Bob');
    await bob.sees('Helo Bob');
    expect(await bob.row('Helo Bob').getByRole('button', { name: 'Edit' }).count()).to.equal(0);
    await composer(ada).fill('a draft');
    await press(ada, 'Helo Bob', 'Edit');
    await ada.page.getByText('Editing your message').waitFor();
    expect(await composer(ada).inputValue()).to.equal('Helo Bob');
    // The Escape that ends what an input method composes, as most browsers say it and as Safari does.
    for (const said of [{ isComposing: true }, { keyCode: 229 }])
      await composer(ada).dispatchEvent('keydown', { key: 'Escape', bubbles: true, ...said });
    expect(await composer(ada).inputValue()).to.equal('Helo Bob');
    await composer(ada).press('Escape');
    expect(await composer(ada).inputValue()).to.equal('a draft');
    await press(ada, 'Helo Bob', 'Edit');
    await ada.write('Hello Bob');
    for (const person of [ada, bob]) await person.row('Hello Bob').getByText('edited').waitFor();
    await ada.page.getByText('Editing your message').waitFor({ state: 'hidden' });
    expect(await composer(ada).inputValue()).to.equal('a draft');
    await ada.entry('Bob Kahn').getByText('You: Hello Bob').waitFor();
    await bob.page.reload();
    await bob.row('Hello Bob').getByText('edited').waitFor();
    expect(await bob.messages()).to.deep.equal(['Hello Bob']);
    expect(complaints()).to.deep.equal([]);
  });

  it('carry pictures, which everyone sees, and other files by their names', async () => {
    const [ada, bob] = await adaAndBob(await startNode({ DATA_DIR: folder.path }));
    await bob.entry('Ada Lovelace').click();
    const chosen = ada.page.getByLabel('Files to send');
    await chosen.setInputFiles({ name: 'drawing.png', mimeType: 'image/png', buffer: await drawing(64, 48) });
    for (const { page } of [ada, bob]) {
      const picture = page.getByRole('img', { name: 'drawing.png' });
      await picture.waitFor();
      const width = () => page.evaluate('document.querySelector(".picture img").naturalWidth');
      expect(await eventually(async () => (await width()) === 64, 10_000)).to.equal(true);
    }
    await chosen.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: TEXT });
    await bob.page.getByRole('button', { name: `notes.txt (${TEXT.length} bytes)` }).waitFor();
    await chosen.setInputFiles({ name: 'a.exe', mimeType: 'image/png', buffer: Buffer.from('MZ\0\0') });
    await ada.page.getByText('The content is').waitFor();
    expect(complaints().filter((text) => !text.includes('415'))).to.deep.equal([]);
  });

  it('that cannot be edited any more say why, and keep what was written', async () => {
    const [ada] = await adaAndBob(await startNode());
    await ada.write('Helo Bob');
    await ada.sent('Helo Bob');
    await press(ada, 'Helo Bob', 'Edit');
    const conversation = conversationStream(new URL(ada.page.url()).hash.slice(1));
    await setClock(world, conversation, Date.now() + 301_000);
    await ada.write('Hello Bob');
    await ada.page.getByText('It is too late to edit this message').waitFor();
    expect(await composer(ada).inputValue()).to.equal('Hello Bob');
    expect(await ada.messages()).to.deep.equal(['Helo Bob']);
  });

  it('are deleted for everyone, by who wrote them or who runs the group', async () => {
    const [ada, bob] = await adaAndBob(await startNode());
    await bob.entry('Ada Lovelace').click();
    await ada.write('a secret');
    await bob.sees('a secret');
    expect(await bob.row('a secret').getByRole('button', { name: 'Delete' }).count()).to.equal(0);
    await press(ada, 'a secret', 'Delete');
    for (const person of [ada, bob]) {
      await person.sees('This message was deleted');
      expect(await person.row('deleted').getByRole('button').count()).to.equal(0);
      expect(await person.page.content()).to.not.include('a secret');
    }
    await bob.page.reload();
    await bob.sees('This message was deleted');
    expect(complaints()).to.deep.equal([]);
  });

  it('are reacted to, by each with each emoji once, and what others did is seen', async () => {
    const [ada, bob] = await adaAndBob(await startNode());
    await bob.entry('Ada Lovelace').click();
    await ada.write('Hello Bob');
    await bob.sees('Hello Bob');
    const reaction = (person: Person, name: string) => person.row('Hello Bob').locator('.reactions').getByText(name);
    await bob.row('Hello Bob').getByText('React').click();
    await bob.row('Hello Bob').locator('.picker').getByText('🎉').click();
    for (const person of [ada, bob]) await reaction(person, '🎉 1').waitFor();
    expect(await reaction(bob, '🎉 1').getAttribute('aria-pressed')).to.equal('true');
    expect(await reaction(ada, '🎉 1').getAttribute('title')).to.equal('Bob Kahn');
    await reaction(ada, '🎉 1').click();
    for (const person of [ada, bob]) await reaction(person, '🎉 2').waitFor();
    await bob.page.reload();
    await reaction(bob, '🎉 2').click();
    for (const person of [ada, bob]) await reaction(person, '🎉 1').waitFor();
    await reaction(ada, '🎉 1').click();
    for (const person of [ada, bob]) await person.row('Hello Bob').locator('.reactions').waitFor({ state: 'detached' });
    expect(complaints()).to.deep.equal([]);
  });

  it('say how far the other is', async () => {
    const [ada, bob] = await adaAndBob(await startNode());
    await ada.write('Hello Bob');
    await ada.stands('Hello Bob', 'delivered');
    await bob.entry('Ada Lovelace').click();
    await ada.stands('Hello Bob', 'read');
    expect(await bob.row('Hello Bob').locator('.status').count()).to.equal(0);
    await bob.page.goto('about:blank');
    await ada.write('Are you there?');
    await ada.stands('Are you there?', 'sent');
    await ada.page.reload();
    await ada.stands('Hello Bob', 'read');
    await ada.stands('Are you there?', 'sent');
    await bob.page.goBack();
    await ada.stands('Are you there?', 'read');
    expect(complaints()).to.deep.equal([]);
  });

  it('are answered, with what they answer above', async () => {
    const [ada, bob] = await adaAndBob(await startNode());
    await bob.entry('Ada Lovelace').click();
    await ada.write('Tea or coffee?');
    await bob.sees('Tea or coffee?');
    await press(bob, 'Tea or coffee?', 'Reply');
    await bob.page.getByText('To Ada Lovelace: Tea or coffee?').waitFor();
    await bob.write('Tea');
    await bob.page.getByText('To Ada Lovelace').waitFor({ state: 'hidden' });
    for (const [person, quote] of [
      [ada, 'You: Tea or coffee?'],
      [bob, 'Ada Lovelace: Tea or coffee?'],
    ] as const)
      await person.page
        .locator('.message', { has: person.page.locator('.text', { hasText: /^Tea$/ }) })
        .getByText(quote)
        .waitFor();
    await press(ada, 'Tea or coffee?', 'Reply');
    await ada.page.getByRole('button', { name: 'Cancel' }).click();
    await ada.write('Fine');
    await bob.sees('Fine');
    expect(await bob.row('Fine').locator('.quote').count()).to.equal(0);
    await ada.row('Tea or coffee?').first().getByRole('button', { name: 'Delete' }).click();
    await bob.page.locator('.quote', { hasText: 'This message was deleted' }).waitFor();
    expect(complaints()).to.deep.equal([]);
  });

  it('of others are deleted by the owner of a group', async () => {
    const node = await startNode();
    const ada = await (await visit(node)).register('ada', 'Ada Lovelace');
    const bob = await (await visit(node)).register('bob', 'Bob Kahn');
    await ada.page.getByRole('button', { name: 'Channels' }).click();
    await ada.page.getByRole('button', { name: 'New channel' }).click();
    await ada.page.getByLabel('Name', { exact: true }).fill('open');
    await ada.page.getByRole('button', { name: 'Create', exact: true }).click();
    await ada.page.getByRole('heading', { name: 'open' }).waitFor();
    await bob.page.getByRole('button', { name: 'Channels' }).click();
    await bob.page.getByRole('button', { name: 'Join' }).click();
    await bob.write('spam');
    await ada.sees('spam');
    await press(ada, 'spam', 'Delete');
    await bob.sees('This message was deleted');
    expect(complaints()).to.deep.equal([]);
  });
});

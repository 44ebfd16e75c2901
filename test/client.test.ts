/** The client page in a real browser, against a real node: what two people see of each other, and of a server that goes and comes. */
import { expect } from 'chai';
import type { WebSocketRoute } from 'playwright-core';
import sinon from 'sinon';
import { PASSWORD, useBrowser } from './support/browser.ts';
import { Rest } from './support/client.ts';
import type { Frame } from './support/client.ts';
import { register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { useWorld } from './support/world.ts';

describe('the client page', () => {
  const { visit, adaAndBob, complaints } = useBrowser();
  const world = useWorld();
  const startNode = useNodes(world);

  it('two people register, find each other and talk; a reload keeps login and history', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await ada.write('Hello Bob');
    await ada.sent('Hello Bob');

    await bob.entry('Ada Lovelace').getByText('1 unread').waitFor();
    await bob.entry('Ada Lovelace').click();
    await bob.sees('Hello Bob');
    await bob.entry('Ada Lovelace').getByText('unread').waitFor({ state: 'detached' });
    await bob.page.getByLabel('Message', { exact: true }).fill('Hello Ada,');
    await bob.page.getByLabel('Message', { exact: true }).press('Shift+Enter');
    await bob.page.keyboard.type('how are you?');
    await bob.page.keyboard.press('Enter');
    await ada.sees('how are you?');
    expect(await ada.messages()).to.deep.equal(['Hello Bob', 'Hello Ada,\nhow are you?']);

    await bob.page.clock.setFixedTime(Date.now() + 24 * 60 * 60_000);
    await bob.page.reload();
    await bob.connected();
    await bob.sees('Hello Bob', 'how are you?');
    expect(await bob.page.locator('.day').allTextContents()).to.deep.equal(['Yesterday']);
    expect(await bob.messages()).to.deep.equal(['Hello Bob', 'Hello Ada,\nhow are you?']);
    await ada.write('Fine');
    await bob.sees('Fine');
    expect(complaints()).to.deep.equal([]);
  });

  it('who is there and who is typing is seen at once, and a message ends it', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await bob.entry('Ada Lovelace').locator('.avatar[data-status=online]').waitFor();
    await bob.entry('Ada Lovelace').click();
    await bob.page.locator('#talk-about', { hasText: 'online' }).waitFor();
    await ada.page.getByLabel('Message', { exact: true }).fill('He');
    await bob.page.getByText('Ada Lovelace is typing…').waitFor();
    await ada.write('Hello');
    await bob.sees('Hello');
    expect(await bob.page.locator('#typing').textContent()).to.equal('');
    await ada.page.clock.install();
    await ada.page.mouse.move(1, 1);
    await ada.page.clock.fastForward(6 * 60_000);
    await bob.page.locator('#talk-about', { hasText: 'away' }).waitFor();
    await ada.page.mouse.move(9, 9);
    await bob.page.locator('#talk-about', { hasText: 'online' }).waitFor();
    expect(complaints()).to.deep.equal([]);
  });

  it('what is written stays text', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    const text = `<img src=x onerror="document.title='taken'"><b>bold</b> &amp; \u202eback`;
    const box = ada.page.getByLabel('Message', { exact: true });
    await box.fill('にほん');
    // The Enter that ends what an input method composes, as most browsers say it and as Safari does.
    for (const said of [{ isComposing: true }, { keyCode: 229 }]) {
      await box.dispatchEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...said });
    }
    expect(await box.inputValue()).to.equal('にほん');
    await ada.write(text);
    await bob.entry('Ada Lovelace').click();
    await bob.sees('bold');
    expect(await bob.messages()).to.deep.equal([text]);
    expect(await bob.page.locator('#rows img, #rows b').count()).to.equal(0);
    expect(complaints()).to.deep.equal([]);
  });

  it('after the server was away, messages of the meantime appear once', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await ada.write('before');
    await bob.entry('Ada Lovelace').click();
    await bob.sees('before');
    const { port } = new URL(node.base);

    await node.stop();
    for (const person of [ada, bob]) await person.page.getByText('No connection').waitFor();
    await bob.page.context().setOffline(true);
    await ada.write('written without a server');
    await ada.row('written without a server').getByText('Sending').waitFor();

    await startNode({ PORT: port });
    await ada.sent('written without a server');
    await ada.write('while Bob is away');
    await ada.sent('while Bob is away');
    expect(await bob.messages()).to.deep.equal(['before']);
    await bob.page.context().setOffline(false);
    await bob.sees('while Bob is away');
    await bob.connected();
    await bob.write('back again');
    await ada.sees('back again');

    const all = ['before', 'written without a server', 'while Bob is away', 'back again'];
    expect(await ada.messages()).to.deep.equal(all);
    expect(await bob.messages()).to.deep.equal(all);
    // The browser itself reports requests that reach nobody.
    expect(complaints().filter((text) => !/net::ERR_|503/.test(text))).to.deep.equal([]);
  });

  it('events that the server cannot send again are read as history; a server that says stay out is obeyed', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await bob.entry('Ada Lovelace').click();
    let withholding = true;
    let sent = '';
    let toPage: WebSocketRoute | undefined;
    await bob.page.routeWebSocket(/\/api\/v1\/ws/, (page) => {
      toPage = page;
      page.connectToServer().onMessage((text) => {
        const frame = JSON.parse(String(text)) as Frame;
        if (frame.type === 'message.sent') sent = String(frame.id);
        if (frame.type !== 'message.sent' || !withholding) page.send(text);
      });
    });
    await bob.page.reload();
    await bob.connected();
    await ada.write('withheld');
    await ada.sent('withheld');
    await ada.write('withheld, too');
    await ada.sent('withheld, too');
    expect(await bob.messages()).to.deep.equal([]);
    const data = { conversation_id: new URL(bob.page.url()).hash.slice(1), last_event_id: sent };
    toPage?.send(JSON.stringify({ type: 'sync.reset', data }));
    await bob.sees('withheld, too');
    expect(await bob.messages()).to.deep.equal(['withheld', 'withheld, too']);
    await ada.write('missed');
    await ada.sent('missed');
    withholding = false;
    // The gap before it shows that there is more.
    await ada.write('passed on');
    await bob.sees('missed', 'passed on');
    expect(await bob.messages()).to.deep.equal(['withheld', 'withheld, too', 'missed', 'passed on']);

    await toPage?.close({ code: 4500, reason: 'these are not frames' });
    await bob.page.getByText('The server has closed the connection.').waitFor();
    await bob.page.locator('#state[data-state=stopped]').waitFor();
    expect(complaints()).to.deep.equal([]);
  });

  it('history comes page by page on the way up, each message once', async () => {
    const node = await startNode();
    const [ada] = await adaAndBob(node);
    const bob = await loggedIn(node, 'bob');
    const { body } = await bob.rest.get<{ items: { id: string }[] }>('/conversations');
    const id = body.items[0]!.id;
    const texts = Array.from({ length: 110 }, (_, i) => `number ${i}`);
    for (const content of texts) await bob.rest.post(`/conversations/${id}/messages`, { content });
    await ada.sees('number 109');
    await ada.page.reload();
    await ada.sees('number 109');
    expect((await ada.messages()).length).to.be.below(110);
    const top = ada.page.getByText('This is the beginning.');
    while (!(await top.isVisible())) {
      const { length } = await ada.messages();
      await ada.page.getByRole('region', { name: 'Messages' }).press('Home');
      await ada.page.locator(`.message >> nth=${length}`).or(top).first().waitFor();
    }
    expect(await ada.messages()).to.deep.equal(texts);
    expect(complaints()).to.deep.equal([]);
  });

  it('a channel is made, found, joined and left, and its history says so', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await ada.page.getByRole('button', { name: 'Channels' }).click();
    await ada.page.getByText('There are no channels yet.').waitFor();
    await ada.page.getByRole('button', { name: 'New channel' }).click();
    await ada.page.getByLabel('Name', { exact: true }).fill('gears');
    await ada.page.getByRole('button', { name: 'Create' }).click();
    await ada.page.getByRole('heading', { name: '# gears' }).waitFor();

    await bob.page.getByRole('button', { name: 'Channels' }).click();
    await bob.page.getByRole('button', { name: 'Join gears' }).click();
    await bob.write('Hello gears');
    await ada.sees('Bob Kahn joined', 'Hello gears');
    await bob.page.getByRole('button', { name: 'Members' }).click();
    await bob.page.getByRole('list', { name: 'Members' }).getByText('Ada Lovelace').waitFor();
    await bob.page.getByRole('button', { name: 'Leave this conversation' }).click();
    await bob.entry('gears').waitFor({ state: 'detached' });
    await ada.sees('Bob Kahn left');
    await ada.page.getByText('1 member').waitFor();
    expect(complaints()).to.deep.equal([]);
  });

  it('a group has the people that were chosen', async () => {
    const node = await startNode();
    const carla = await register(node, 'carla');
    const [ada, bob] = await adaAndBob(node);
    await ada.page.getByRole('button', { name: 'New group' }).click();
    await ada.page.getByRole('button', { name: 'Create' }).click();
    await ada.page.getByText('Give it a name.').waitFor();
    await ada.page.getByLabel('Name', { exact: true }).fill('engine');
    await ada.page.getByLabel('Add people').fill('bob');
    await ada.page.getByRole('list', { name: 'People found' }).getByRole('button', { name: 'Bob Kahn' }).click();
    await ada.page.getByRole('list', { name: 'People found' }).getByRole('button', { name: 'carla' }).click();
    await ada.page.getByRole('button', { name: 'Create' }).click();
    await ada.page.getByText('3 members').waitFor();
    await ada.write('Welcome');
    await bob.entry('engine').getByText('Ada Lovelace: Welcome').waitFor();
    const { body } = await carla.rest.get<{ items: { name: string }[] }>('/conversations');
    expect(body.items.map(({ name }) => name)).to.deep.equal(['engine']);
    expect(complaints()).to.deep.equal([]);
  });

  it('a message that is refused says why, and can be tried again or thrown away', async () => {
    const node = await startNode({ MAX_MESSAGE_LENGTH: '20' });
    const [ada] = await adaAndBob(node);
    await ada.write('this message is longer than twenty characters');
    const row = ada.row('longer than twenty');
    await row.getByText('The message must not be longer than 20 characters.').waitFor();
    const id = await row.getAttribute('data-id');
    await row.getByRole('button', { name: 'Retry' }).click();
    await row.getByText('Not sent').waitFor();
    expect(await row.getAttribute('data-id')).to.equal(id);
    await row.getByRole('button', { name: 'Discard' }).click();
    await row.waitFor({ state: 'detached' });
    expect(complaints()).to.deep.equal([]);
  });

  it('the pages that show the API work, and ask nobody else for anything', async () => {
    const node = await startNode();
    const reader = await visit(node);
    const foreign: string[] = [];
    reader.page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== node.base) foreign.push(request.url());
    });
    await reader.page.goto(`${node.base}/docs`);
    await reader.page.getByText('Logs in with username or e-mail').first().waitFor();
    await reader.page.goto(`${node.base}/redoc`);
    await reader.page.getByRole('heading', { name: 'Logs in with username or e-mail' }).waitFor();
    await reader.page.getByPlaceholder('Search...').fill('reaction');
    await reader.page.locator('[data-role="search:results"] label').first().waitFor();
    expect(foreign).to.deep.equal([]);
    expect(complaints()).to.deep.equal([]);
  });

  it('log-in errors are told in plain words', async () => {
    const node = await startNode();
    await register(node, 'ada');
    const ada = await visit(node);
    const alert = ada.page.getByRole('alert');
    await ada.logIn('ada', '');
    await alert.getByText('Type your password.').waitFor();
    await ada.logIn('ada', 'wrong horse');
    await alert.getByText('Username or password is wrong').waitFor();
    await ada.page.getByRole('button', { name: 'Register' }).click();
    await ada.logIn('a!', PASSWORD);
    await alert.getByText('A username has 3 to 32 letters').waitFor();
    await ada.logIn('bob', 'short');
    await alert.getByText('A password has at least 8').waitFor();
    await ada.logIn('ADA', PASSWORD);
    await alert.getByText('taken').waitFor();
    await ada.page.getByRole('button', { name: 'Log in' }).first().click();
    await ada.logIn('ada');
    await ada.connected();
  });

  it('an expired token is renewed and the socket comes back; an ended session asks to log in', async () => {
    const node = await startNode();
    const [ada, bob] = await adaAndBob(node);
    await bob.entry('Ada Lovelace').click();
    const live = ada.page.waitForEvent('websocket');
    const realNow = Date.now.bind(Date);
    const clock = sinon.stub(Date, 'now').callsFake(() => realNow() + 31 * 60_000);
    try {
      await live;
      await ada.connected();
      await ada.write('with a new token');
      await bob.sees('with a new token');
    } finally {
      clock.restore();
    }
    const elsewhere = await loggedIn(node, 'ada');
    await elsewhere.rest.call('DELETE', '/auth/sessions');
    await ada.page.getByText('Your session has ended. Log in again.').waitFor();
    await ada.logIn('ada');
    await ada.connected();
    await ada.entry('Bob Kahn').waitFor();
  });
});

async function loggedIn(node: Node, username: string): Promise<Pick<User, 'rest'>> {
  const { body } = await new Rest(node.base).post('/auth/login', { username, password: PASSWORD });
  return { rest: new Rest(node.base, String(body['access_token'])) };
}

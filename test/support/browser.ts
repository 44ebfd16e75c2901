/** People at browsers of their own, on the client page. Suites that use them are left out where there is no browser. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Node } from './server.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
export const PASSWORD = 'correct horse';
const WITHIN_MS = 10_000;

/** One person at a browser of their own. */
export class Person {
  readonly page: Page;
  /** What the console complained about: errors, and violations of the content security policy. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('dialog', (dialog) => void dialog.accept());
  }

  static async at(browser: Browser, node: Node): Promise<Person> {
    const context = await browser.newContext();
    context.setDefaultTimeout(WITHIN_MS);
    const person = new Person(await context.newPage());
    await person.page.goto(`${node.base}/client`);
    return person;
  }

  async register(username: string, name: string): Promise<this> {
    await this.page.getByRole('button', { name: 'Register' }).click();
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Name that others see').fill(name);
    await this.page.getByLabel('Password').fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    return this.connected();
  }

  async logIn(username: string, password = PASSWORD): Promise<void> {
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Password').fill(password);
    await this.page.locator('#login-submit').click();
  }

  async connected(): Promise<this> {
    await this.page.locator('#state[data-state=live]').waitFor();
    return this;
  }

  async startDirect(query: string, name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New message' }).click();
    await this.page.getByLabel('Find a person by name').fill(query);
    await this.page.getByRole('list', { name: 'People' }).getByRole('button', { name }).click();
    await this.page.getByRole('heading', { name }).waitFor();
  }

  async write(text: string): Promise<void> {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByLabel('Message', { exact: true }).press('Enter');
  }

  /** Waits until the others are as far as one of these with a message of this person's. */
  async stands(text: string, ...statuses: ('sent' | 'delivered' | 'read')[]): Promise<void> {
    const any = statuses.map((status) => `[data-status=${status}]`).join();
    await this.row(text).locator(`.status:is(${any})`).waitFor();
  }

  async sent(text: string): Promise<void> {
    await this.stands(text, 'sent', 'delivered', 'read');
  }

  row(text: string): Locator {
    return this.page.locator('.message, .system', { hasText: text });
  }

  /** A conversation in the list. */
  entry(title: string): Locator {
    return this.page.getByRole('navigation').getByRole('link', { name: title });
  }

  async sees(...texts: string[]): Promise<void> {
    for (const text of texts) await this.row(text).first().waitFor();
  }

  /** The texts of the messages, in the order of the page. */
  messages(): Promise<string[]> {
    return this.page.locator('.message .text').allTextContents();
  }
}

export interface Visitors {
  readonly visit: (node: Node) => Promise<Person>;
  /** Two who are registered, Ada with the direct conversation of both before her. */
  readonly adaAndBob: (node: Node) => Promise<[Person, Person]>;
  /** What the consoles of all complained about. */
  readonly complaints: () => string[];
}

/** Registers the hooks of a suite. Call it before `useNodes`: the pages go first, so that none misses its server. */
export function useBrowser(): Visitors {
  let browser: Browser;
  const people: Person[] = [];
  before(async function () {
    this.timeout(30_000);
    if (!existsSync(CHROMIUM)) {
      if (process.env['CI']) throw new Error(`there is no ${CHROMIUM}: apt-get install chromium`);
      console.log(`    left out: there is no ${CHROMIUM} (apt-get install chromium)`);
      return this.skip();
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS.split(' ') });
  });
  after(() => browser?.close());
  afterEach(() => Promise.all(people.splice(0).map(({ page }) => page.context().close())));

  async function visit(node: Node): Promise<Person> {
    const person = await Person.at(browser, node);
    people.push(person);
    return person;
  }

  async function adaAndBob(node: Node): Promise<[Person, Person]> {
    const ada = await (await visit(node)).register('ada', 'Ada Lovelace');
    const bob = await (await visit(node)).register('bob', 'Bob Kahn');
    await ada.startDirect('bo', 'Bob Kahn');
    return [ada, bob];
  }

  return { visit, adaAndBob, complaints: () => people.flatMap((person) => person.complaints) };
}

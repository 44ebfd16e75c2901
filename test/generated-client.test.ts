/** A client that a public generator makes of the document: it compiles as strictly as ours, and a conversation can be had with it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { generate } from 'openapi-typescript-codegen';
import { useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

const PROGRAM = `
import { ApiError, ConversationsService, MessagesService, OpenAPI, SessionsService, UsersService } from './made';

export async function talk(base: string): Promise<{ contents: string[]; refusal: string; name: string }> {
  OpenAPI.BASE = base;
  const password = 'correct horse';
  await UsersService.userRegister({ requestBody: { username: 'generated', password, display_name: 'Made' } });
  const session = await SessionsService.sessionStart({ requestBody: { username: 'generated', password } });
  OpenAPI.TOKEN = session.access_token;
  const me = await UsersService.usersMe();
  const room = await ConversationsService.conversationCreate({ requestBody: { type: 'channel', name: 'made' } });
  const conversationId = room.id;
  const sent = await MessagesService.messageSend({ conversationId, requestBody: { content: 'hello' } });
  const requestBody = { content: sent.content + ' again' };
  await MessagesService.messageEdit({ conversationId, messageId: sent.id, requestBody });
  const page = await MessagesService.messagesList({ conversationId, limit: 1 });
  const refusal = await MessagesService.messagesOne({ conversationId, messageId: '00000000000000000000000000' }).then(
    () => 'none',
    (error: unknown) => (error instanceof ApiError ? String(error.body.code) : 'another'),
  );
  return { contents: page.items.map(({ content }) => content), refusal, name: me.display_name };
}
`;

describe('a client generated from the document', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const root = fileURLToPath(new URL('../', import.meta.url));
  let folder: string;
  before(() => {
    mkdirSync(`${root}.cache`, { recursive: true });
    folder = mkdtempSync(`${root}.cache/generated-`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles, and talks', async function () {
    this.timeout(60_000);
    await generate({ input: `${root}docs/openapi.json`, output: join(folder, 'made'), useOptions: true });
    const program = join(folder, 'talk.ts');
    writeFileSync(program, PROGRAM);
    const tsc = `${root}node_modules/typescript/bin/tsc`;
    const strictly = [
      '--strict',
      '--noEmit',
      '--target',
      'es2022',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
    ];
    execFileSync(process.execPath, [tsc, '--ignoreConfig', ...strictly, '--lib', 'es2022,dom', '--types', '', program]);
    const node = await startNode();
    const { talk } = (await import(pathToFileURL(program).href)) as { talk: (base: string) => Promise<object> };
    expect(await talk(node.base)).to.deep.equal({ contents: ['hello again'], refusal: 'not_found', name: 'Made' });
  });
});

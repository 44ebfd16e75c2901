/** Whatever comes in over REST that is not right: refused with the contract's code, nothing written, and the node lives on. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { Rest } from '../support/client.ts';
import type { Reply } from '../support/client.ts';
import { contents, metadata } from '../support/hostile.ts';
import { tokenOf } from '../support/handshake.ts';
import { eventsWritten, writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

type Case = readonly [what: string, method: string, path: string, body?: unknown, headers?: Record<string, string>];

describe('REST refuses', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  let foreign: string;
  beforeEach(async () => {
    node = await startNode();
    ada = await register(node);
    bob = await register(node);
    [id, foreign] = [await group(ada, bob), await group(bob)];
  });

  function expectProblem({ status, headers, body }: Reply, what: string, wanted: number, code: string): void {
    expect({ status, code: body['code'] }, `${what}: ${JSON.stringify(body)}`).to.deep.equal({ status: wanted, code });
    expect(headers.get('Content-Type'), what).to.match(/^application\/problem\+json/);
    expect(body, what).to.include.keys('type', 'title', 'status', 'detail', 'code');
  }

  async function refuses(status: number, code: string, cases: readonly Case[], rest = ada.rest): Promise<void> {
    for (const [what, method, path, body, headers] of cases) {
      const reply = await writesNothing(world, what, () => rest.call(method, path, body, headers));
      expectProblem(reply, what, status, code);
      expect((await ada.rest.get('/users/me')).status, `after ${what}`).to.equal(200);
    }
  }

  const messages = () => `/conversations/${id}/messages`;
  const keyed = (key: string) => ({ 'Idempotency-Key': key });
  const post = (what: string, body: unknown): Case => [what, 'POST', messages(), body];

  it('bodies that do not have the form', async () => {
    await refuses(400, 'validation_failed', [
      post('unknown field', { content: 'x', colour: 'red' }),
      post('missing field', {}),
      post('no body', undefined),
      post('a number for a text', { content: 5 }),
      post('null for a text', { content: null }),
      post('an array for an object', { content: 'x', metadata: [] }),
      post('an id that is a number', { content: 'x', id: 7 }),
      post('a type that is the server’s', { content: 'x', message_type: 'system' }),
      post('broken JSON', '{"content":'),
      post('JSON and more', '{"content":"x"} more'),
      post('an array', '[]'),
      post('a text', '"content"'),
      post('null', 'null'),
      post('a field that the path gives', { content: 'x', conversation_id: id }),
      post('an id in lower case', { content: 'x', id: ulid().toLowerCase() }),
      post('a reply to what is no id', { content: 'x', reply_to: '*' }),
      ['nothing to change', 'PATCH', `/conversations/${id}`, {}],
      ['a name of blanks', 'PATCH', `/conversations/${id}`, { name: ' \u200b ' }],
      ['a picture that is a script', 'PATCH', `/conversations/${id}`, { avatar_url: 'javascript:alert(1)' }],
      ['a policy that there is not', 'PATCH', `/conversations/${id}`, { policy: { post: 'nobody' } }],
      ['a role that there is not', 'POST', `/conversations/${id}/participants`, { user_ids: [ada.id], role: 'king' }],
      ['nobody to add', 'POST', `/conversations/${id}/participants`, { user_ids: [] }],
      ['a mark that is no id', 'POST', `/conversations/${id}/read`, { up_to: 'now' }],
      ['a direct conversation with oneself', 'POST', '/conversations/direct', { user_id: ada.id }],
      [
        'a direct conversation of three',
        'POST',
        '/conversations',
        { type: 'direct', participant_ids: [ada.id, ulid()] },
      ],
      ['a channel without a name', 'POST', '/conversations', { type: 'channel' }],
    ]);
  });

  it('and says which field, wherever it came from', async () => {
    const strange = 'is not a field of this request';
    const notUlid = 'must be a ULID';
    const cases: [Case, pointer: string, message: string][] = [
      [post('body', { content: 'x', colour: 'red' }), '/colour', strange],
      [post('id in the body', { content: 'x', id: 'x' }), '/id', notUlid],
      [['path of a command', 'POST', '/conversations/x/messages', { content: 'x' }], '/path/conversation_id', notUlid],
      [['path of a query', 'GET', '/conversations/x/messages'], '/path/conversation_id', notUlid],
      [['query string', 'GET', `${messages()}?colour=red`], '/query/colour', strange],
      [
        ['path by query string', 'GET', `${messages()}?conversation_id=${id}`],
        '/query/conversation_id',
        'is given by the path',
      ],
      [['query string of a command', 'POST', `${messages()}?content=y`, { content: 'x' }], '/query/content', strange],
      [['header', 'POST', messages(), { content: 'x' }, keyed('again')], '/header/Idempotency-Key', notUlid],
      [['nothing to change', 'PATCH', `/conversations/${id}`, {}], '/', 'names nothing to change'],
    ];
    for (const [[what, method, path, body, headers], pointer, message] of cases) {
      const reply = await writesNothing(world, what, () => ada.rest.call(method, path, body, headers));
      expectProblem(reply, what, 400, 'validation_failed');
      expect(reply.body['errors'], what).to.deep.equal([{ pointer: pointer === '/' ? '' : pointer, message }]);
      expect(reply.body['detail'], what).to.equal(`${pointer}: ${message}`);
    }
  });

  it('what others have already, and says which field', async () => {
    const taken = await ada.rest.post('/auth/register', { username: 'Zed', password: 'correct horse' });
    expect(taken.status).to.equal(201);
    const reply = await ada.rest.post('/auth/register', { username: 'zED', password: 'correct horse' });
    expectProblem(reply, 'a name that is taken', 409, 'conflict');
    expect(reply.body['errors']).to.deep.equal([{ pointer: '/username', message: 'is taken' }]);
  });

  it('bytes that are no UTF-8, which would be stored as other text', async () => {
    const bytes = (...middle: number[]) =>
      new Uint8Array([...Buffer.from('{"content":"a'), ...middle, ...Buffer.from('"}')]);
    await refuses(400, 'validation_failed', [
      post('latin1', bytes(0xe9)),
      post('a cut sequence', bytes(0xf0, 0x9f, 0x8e)),
      post('half of a pair in three bytes', bytes(0xed, 0xa0, 0xbd)),
      post('a longer form than needed', bytes(0xc0, 0xaf)),
    ]);
    await refuses(415, 'unsupported_media_type', [
      ['UTF-16', 'POST', messages(), '{"content":"x"}', { 'Content-Type': 'application/json; charset=utf-16' }],
    ]);
    const whole = new Uint8Array(Buffer.from('\ufeff{"content":"é🎉"}'));
    const reply = await ada.rest.call('POST', messages(), whole, { 'Content-Type': 'application/json; charset=UTF-8' });
    expect([reply.status, reply.body['content']]).to.deep.equal([201, 'é🎉']);
  });

  it('texts and objects that no client means', async () => {
    const texts = contents.map(([what, content]): Case => post(what, { content }));
    await refuses(400, 'validation_failed', [...texts, ...metadata.map(([what, raw]) => post(what, raw))]);
    for (const content of ['x'.repeat(4_000), '🎉'.repeat(4_000), 'a\u200bb', '👩‍👩‍👧']) {
      const { status, body } = await ada.rest.post(messages(), { content });
      expect([status, body['content']]).to.deep.equal([201, content]);
    }
  });

  it('ids that could name another key, and queries that are none', async () => {
    const bad = [
      'a{b}c',
      '%0A',
      `${id}%0A`,
      '*',
      id.toLowerCase(),
      id.slice(1),
      `${id}0`,
      '..%2F..',
      '%00',
      `8${id.slice(1)}`,
    ];
    const query = (search: string): Case => [search, 'GET', `${messages()}?${search}`];
    const cursor = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    await refuses(400, 'validation_failed', [
      ...bad.map((one): Case => [one, 'GET', `/conversations/${one}`]),
      ...bad.map((one): Case => [one, 'POST', `/conversations/${one}/messages`, { content: 'x' }]),
      ...bad.map((one): Case => [one, 'GET', `${messages()}/${one}`]),
      ['broken escape', 'GET', '/conversations/%E0%A4%A'],
      ...['limit=0', 'limit=101', 'limit=abc', 'limit=', 'limit=1.5', 'limit=1e1', 'limit=5&limit=6'].map(query),
      ...[
        'order=up',
        'around=x',
        'as_of=yesterday',
        'as_of=1',
        'as_of=2026-11-23',
        'as_of=Mon, 23 Nov 2026 10:00:00 GMT',
        'as_of=2026-13-23T10:00:00Z',
        'colour=red',
        'cursor=',
        `cursor=${'a'.repeat(513)}`,
        '__proto__=1',
      ].map(query),
      ...['nonsense', cursor(['down']), cursor([5, 5]), cursor(['sideways', 5]), cursor({ 0: 'down' })].map((c) =>
        query(`cursor=${c}`),
      ),
      ['a cursor of another list', 'GET', `/conversations?cursor=${cursor(['down', 5])}`],
      ['a kind that there is not', 'GET', '/conversations?type=secret'],
    ]);
  });

  it('who may not, as if there were nothing', async () => {
    const nobodys = '0'.repeat(26);
    const cases = [foreign, nobodys].flatMap((room): Case[] => [
      ['look', 'GET', `/conversations/${room}`],
      ['history', 'GET', `/conversations/${room}/messages`],
      ['people', 'GET', `/conversations/${room}/participants`],
      ['send', 'POST', `/conversations/${room}/messages`, { content: 'x' }],
      ['change', 'PATCH', `/conversations/${room}`, { name: 'mine' }],
      ['delete', 'DELETE', `/conversations/${room}`],
      ['join', 'POST', `/conversations/${room}/join`],
      ['leave', 'POST', `/conversations/${room}/leave`],
      ['read', 'POST', `/conversations/${room}/read`, {}],
      ['add', 'POST', `/conversations/${room}/participants`, { user_ids: [ada.id] }],
      ['remove', 'DELETE', `/conversations/${room}/participants/${ada.id}`],
    ]);
    await refuses(404, 'not_found', [
      ...cases,
      ['no such message', 'GET', `${messages()}/${nobodys}`],
      ['no such reply', 'POST', messages(), { content: 'x', reply_to: nobodys }],
      ['around nothing', 'GET', `${messages()}?around=${nobodys}`],
      ['no such user', 'POST', '/conversations/direct', { user_id: nobodys }],
      ['adding nobody', 'POST', `/conversations/${id}/participants`, { user_ids: [nobodys] }],
      ['nowhere', 'GET', '/nothing'],
      ['too deep', 'GET', `/conversations/${id}/a/b`],
    ]);
  });

  it('callers without a token that holds', async () => {
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${ada.token.split('.')[1]}.`;
    const tokens = ['garbage', 'a.b.c', unsigned, tokenOf(ada, 60, 'x'.repeat(40)), `${ada.token}x`, 'x'.repeat(5_000)];
    for (const token of [undefined, ...tokens]) {
      await refuses(
        401,
        'unauthenticated',
        [post('x', { content: 'x' }), post('broken', '{'), ['y', 'GET', '/users/me']],
        new Rest(node.base, token),
      );
    }
    await refuses(401, 'token_expired', [post('expired', { content: 'x' })], new Rest(node.base, tokenOf(ada, -1)));
    const reply = await new Rest(node.base).get('/users/me');
    expect(reply.headers.get('WWW-Authenticate')).to.equal('Bearer');
  });

  it('what is too large, of another type, or asked for in another way', async () => {
    await refuses(413, 'payload_too_large', [post('64 KB and more', { content: 'x'.repeat(65_536) })]);
    await refuses(415, 'unsupported_media_type', [
      ['text', 'POST', messages(), 'content', { 'Content-Type': 'text/plain' }],
      ['a form', 'POST', messages(), 'content=x', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ['XML', 'POST', messages(), '<content/>', { 'Content-Type': 'application/xml' }],
    ]);
    const wrong = [
      ['PATCH', '/conversations', ['GET', 'POST']],
      ['PUT', messages(), ['GET', 'POST']],
      ['DELETE', '/auth/login', ['POST']],
    ] as const;
    for (const [method, path, allowed] of wrong) {
      await refuses(405, 'method_not_allowed', [[`${method} ${path}`, method, path]]);
      const reply = await ada.rest.call(method, path);
      expect(reply.headers.get('Allow')?.split(', ')).to.include.members([...allowed]);
    }
    await refuses(405, 'method_not_allowed', [['PROPFIND', 'PROPFIND', messages()]]);
  });

  describe('a repeat', () => {
    it('under the same key answers what the first answered and appends nothing; another body is a conflict', async () => {
      await refuses(400, 'validation_failed', [['no ULID', 'POST', messages(), { content: 'x' }, keyed('again')]]);
      const requests: [string, string, object, object, Rest?][] = [
        ['POST', messages(), { content: 'once' }, { content: 'twice' }],
        ['POST', '/conversations', { type: 'group', name: 'one' }, { type: 'group', name: 'two' }],
        ['PATCH', `/conversations/${id}`, { name: 'one' }, { name: 'two' }],
        ['POST', `/conversations/${id}/read`, {}, { up_to: ulid() }, bob.rest],
      ];
      for (const [method, path, body, other, rest = ada.rest] of requests) {
        const key = ulid();
        const first = await rest.call(method, path, body, keyed(key));
        expect(first.headers.get('Chat-Event-Id'), path).to.match(/^\d+-\d+$/);
        const again = await writesNothing(world, path, () => rest.call(method, path, body, keyed(key)));
        expect([again.status, again.body], path).to.deep.equal([first.status, first.body]);
        expect(again.headers.get('Chat-Event-Id'), path).to.equal(first.headers.get('Chat-Event-Id'));
        await refuses(409, 'conflict', [[path, method, path, other, keyed(key)]], rest);
      }
    });

    it('under the same message id too, for ever; other content or another sender is a conflict', async () => {
      const message = { id: ulid(), content: 'once', metadata: { a: 1 } };
      const first = await ada.rest.post(messages(), message);
      const before = await eventsWritten(world);
      const again = await ada.rest.post(messages(), message);
      expect([again.status, again.body]).to.deep.equal([201, first.body]);
      expect(await eventsWritten(world)).to.equal(before);
      await refuses(409, 'conflict', [
        post('other content', { ...message, content: 'twice' }),
        post('other metadata', { ...message, metadata: { a: 2 } }),
      ]);
      const eve = await register(node);
      await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
      await refuses(409, 'conflict', [post('another sender', message)], eve.rest);
    });
  });
});

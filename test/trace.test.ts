/** The trace of a request goes with the event that it brings about, to whoever gets it, and spans hang together by it. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { checks, guards, projections } from '../src/chat/index.ts';
import { conversationStream } from '../src/keys.ts';
import { verify } from '../src/projector/verify.ts';
import { until } from '../src/redis/redis-server.ts';
import { traceparentOf } from '../src/trace.ts';
import { Views } from '../src/views/store.ts';
import { decode } from './support/folds.ts';
import { caughtUp } from './support/projectors.ts';
import { group, register, useNodes } from './support/server.ts';
import { collectSpans } from './support/spans.ts';
import { useWorld } from './support/world.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const GIVEN = `00-${TRACE}-00f067aa0ba902b7-01`;

describe('a traceparent', () => {
  it('is taken as the recommendation has it, and what is not of its form counts as none', () => {
    const later = GIVEN.replace('00-', 'cc-');
    for (const fits of [GIVEN, GIVEN.replace(/01$/, 'ff'), later]) expect(traceparentOf(fits), fits).to.equal(fits);
    expect(traceparentOf(`${later}-what-comes-later`)).to.equal(later);
    for (const header of [
      '',
      `${GIVEN}-more`,
      `${GIVEN} `,
      `${later}.more`,
      GIVEN.toUpperCase(),
      GIVEN.replace('00-', 'ff-'),
      GIVEN.replace(TRACE, '0'.repeat(32)),
      GIVEN.replace('00f067aa0ba902b7', '0'.repeat(16)),
      GIVEN.slice(0, -1),
    ])
      expect(traceparentOf(header), header).to.equal(undefined);
  });
});

describe('the trace of a request', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('stands in its event, over REST and WebSocket alike, for whoever gets that; and the proof holds', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const [sending, hearing] = [await ada.socket(), await bob.socket()];
    const path = `/conversations/${id}/messages`;
    await ada.rest.post(path, { content: 'by REST' }, { traceparent: GIVEN, 'Idempotency-Key': ulid() });
    await ada.rest.post(path, { content: 'not a trace' }, { traceparent: 'nonsense' });
    await ada.rest.post(path, { content: 'without' });
    const message = { conversation_id: id, content: 'by WebSocket' };
    await sending.command('message.send', message, { traceparent: GIVEN });
    const refused = await sending.ask('message.send', message, { traceparent: 'nonsense' });
    expect(refused.error?.code).to.equal('validation_failed');
    await hearing.until(() => hearing.events(id).length === 4, 'four messages');
    const expected = [GIVEN, undefined, undefined, GIVEN];
    const traces = (events: readonly object[]) => events.map((e) => (e as { traceparent?: string }).traceparent);
    expect(traces(hearing.events(id))).to.deep.equal(expected);
    const { body } = await ada.rest.get<{ items: object[] }>(`/conversations/${id}/events`);
    expect(traces(body.items).slice(-4)).to.deep.equal(expected);
    const log = await world.log.readAfter(conversationStream(id), '0-0');
    expect(traces(log.map(({ json }) => JSON.parse(json.toString()) as object)).slice(-4)).to.deep.equal(expected);
    await caughtUp(world.log);
    const proof = { log: world.log, views: new Views(world.log), projections, guards, checks, decode };
    expect((await verify(proof)).differences).to.deep.equal([]);
  });

  it('goes with what a person does of every kind, and a repeat under another trace is a repeat', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const headers = { traceparent: GIVEN };
    const path = `/conversations/${id}/messages`;
    const key = ulid();
    const answers = [];
    for (const traceparent of [GIVEN, GIVEN.replace('00f0', '11f0')])
      answers.push(await ada.rest.post(path, { content: 'once' }, { traceparent, 'Idempotency-Key': key }));
    expect(answers[1]!.body).to.deep.equal(answers[0]!.body);
    const place = `${path}/${String(answers[0]!.body['id'])}`;
    await ada.rest.call('PATCH', place, { content: 'edited' }, headers);
    await ada.rest.call('PUT', `${place}/reactions/%F0%9F%8E%89`, undefined, headers);
    await ada.rest.call('PUT', `${place}/pin`, undefined, headers);
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'another' }, headers);
    await ada.rest.call('DELETE', place, undefined, headers);
    const log = await world.log.readAfter(conversationStream(id), '0-0');
    const all = log.map(({ json }) => JSON.parse(json.toString()) as { type: string; traceparent?: string });
    const mine = all.slice(all.findIndex(({ type }) => type === 'message.sent'));
    expect(mine.map(({ type, traceparent }) => [type, traceparent])).to.deep.equal(
      [
        'message.sent',
        'message.edited',
        'reaction.added',
        'message.pinned',
        'conversation.updated',
        'message.deleted',
      ].map((type) => [type, GIVEN]),
    );
  });

  it('is one tree of spans: what was asked for, the append, the projection, the delivery; and none unless that is set', async () => {
    const { spans, stop } = collectSpans();
    try {
      for (const OPENTELEMETRY of ['false', 'true']) {
        const node = await startNode({ OPENTELEMETRY });
        const ada = await register(node);
        const id = await group(ada);
        const socket = await ada.socket();
        spans.length = 0;
        const said = socket.command('message.send', { conversation_id: id, content: 'canary' }, { traceparent: GIVEN });
        const sent = String((await said)['event_id']);
        if (OPENTELEMETRY === 'false') {
          await caughtUp(world.log);
          expect(spans).to.deep.equal([]);
          await node.stop();
          continue;
        }
        // What came before began traces of its own.
        const named = (name: string) => spans.find((span) => span.name === name && span.context.traceId === TRACE);
        await until('all of it is over', () => named('project')?.isOver === true && named('deliver') !== undefined);
        const asked = named('message.send')!;
        const appended = named('append message.send')!;
        expect(asked.parent).to.equal('00f067aa0ba902b7');
        expect(appended.parent).to.equal(asked.context.spanId);
        for (const name of ['project', 'deliver']) {
          const after = named(name)!;
          expect(after.parent, name).to.equal(appended.context.spanId);
          expect(after.attributes).to.deep.equal({ 'chat.event_id': sent, 'chat.event_type': 'message.sent' });
        }
        const mine = spans.filter(({ context }) => context.traceId === TRACE);
        expect(mine.filter(({ isOver, failure }) => !isOver || failure !== undefined)).to.deep.equal([]);
        await socket.ask('message.send', { conversation_id: ulid(), content: 'x' });
        expect(spans.filter(({ name }) => name.endsWith('message.send')).at(-2)?.failure).to.equal('not_found');
        expect(JSON.stringify(spans)).to.not.include('canary');
      }
    } finally {
      stop();
    }
  });
});

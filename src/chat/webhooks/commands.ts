/**
 * Webhooks: making, listing and ending them, and the list of what was delivered. A webhook is its owner's and hears what its owner may see.
 * It is enlisted first where its events happen and written down after, so that it misses nothing once it is answered; an entry in a list
 * without a webhook is taken off by whoever meets it.
 */
import Type from 'typebox';
import { invalid } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { derivedId } from '../derived-id.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { unlessDone } from '../repeats.ts';
import { CreateWebhook, DeliveryAnswer, WebhookAnswer, WebhookMadeAnswer, WebhookTarget } from './contract.ts';
import { delivering } from './delivering.ts';
import { enqueuing } from './reactor.ts';
import { detailsWord, IN_HAND, parseDelivery, parseWebhook, wishText } from './stored.ts';
import type { Webhook } from './stored.ts';

export const webhooks: Feature = {
  serve: (deps) => ({
    commands: [create(deps), remove(deps), resume(deps)],
    queries: webhookQueries(deps),
    reactors: [enqueuing(deps)],
    timers: [delivering(deps)],
  }),
};

const PATH = '/webhooks/{webhook_id}';

/** In the partition of its conversation, or in all. */
async function enlist({ log }: Deps, webhook: string, conversation: string | null, wish: string): Promise<void> {
  const { partitions } = log.keys;
  const where =
    conversation === null ? Array.from({ length: partitions }, (_, p) => p) : [log.keys.partitionOf(conversation)];
  await Promise.all(where.map((partition) => log.runAt('webhook.enlist', partition, { webhook, wish })));
}

async function own({ log }: Deps, userId: string, id: string): Promise<Webhook> {
  const value = await log.guardField(userStream(userId), 'webhooks', id);
  if (value === null) throw fail('not_found', 'There is no such webhook');
  return parseWebhook(id, value);
}

function create(deps: Deps): Command {
  const { log, outgoing, secretOf } = deps;
  return command({
    type: 'webhook.create',
    about: 'Has an address called when something happens in a conversation, or in all that the caller is in',
    data: CreateWebhook,
    answer: WebhookMadeAnswer,
    route: { method: 'POST', path: '/webhooks', status: 201 },
    socket: false,
    async run(context, { url, events, conversation_id = null }) {
      const { userId, key } = context.caller;
      const { requestId, newId, now } = context;
      const wrong = outgoing.refusal(url);
      if (wrong !== undefined) throw invalid([{ pointer: '/url', message: wrong }]);
      const stream = userStream(userId);
      if (conversation_id !== null)
        await unlessDone({ log, context, stream }, () => memberStanding(log, userId, conversation_id));
      else if (key?.scope) throw fail('forbidden', 'This key is for some conversations only');
      const id = requestId === undefined ? newId() : derivedId('webhook', userId, requestId);
      const details = { url, events, conversation_id, created_at: new Date(now).toISOString() };
      const wish = wishText({ owner: userId, conversation: conversation_id ?? undefined, types: events });
      await enlist(deps, id, conversation_id, wish);
      await log.append({
        script: 'webhook.create',
        stream,
        by: context,
        body: [url, events, conversation_id],
        args: { webhook: id, details: detailsWord(details) },
      });
      return { body: { ...(await own(deps, userId, id)), secret: secretOf(`webhook ${id}`) } };
    },
  });
}

function remove(deps: Deps): Command {
  const { log } = deps;
  return command({
    type: 'webhook.delete',
    about: 'Ends a webhook; what was not delivered yet is dropped',
    data: WebhookTarget,
    answer: null,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: false,
    async run(context, { webhook_id: webhook }) {
      const { userId } = context.caller;
      const stream = userStream(userId);
      const value = await log.guardField(stream, 'webhooks', webhook);
      const request = { by: context, body: webhook };
      await log.append({ script: 'webhook.delete', stream, ...request, args: { webhook } });
      if (value !== null) await enlist(deps, webhook, parseWebhook(webhook, value).conversation_id, '');
      return {};
    },
  });
}

function resume(deps: Deps): Command {
  const { log } = deps;
  return command({
    type: 'webhook.resume',
    about: 'Has a webhook called again that was paused after a day of failures, with what waits first',
    data: WebhookTarget,
    answer: WebhookAnswer,
    route: { method: 'POST', path: `${PATH}/resume` },
    socket: false,
    async run(context, { webhook_id: webhook }) {
      const { userId } = context.caller;
      const request = { by: context, body: webhook };
      await log.append({ script: 'webhook.resume', stream: userStream(userId), ...request, args: { webhook } });
      return { body: await own(deps, userId, webhook) };
    },
  });
}

function webhookQueries(deps: Deps): Query[] {
  const { log } = deps;
  const paged = { limit: Limit, cursor: Type.Optional(Cursor) };
  const strict = { additionalProperties: false };

  const list = query({
    name: 'webhooks.list',
    about: "The caller's webhooks, the newest first",
    data: Type.Object(paged, strict),
    answer: listAnswer(WebhookAnswer),
    route: { method: 'GET', path: '/webhooks' },
    async run({ caller }, page) {
      const all = Object.entries(await log.guardAll(userStream(caller.userId), 'webhooks')).map(([id, value]) =>
        parseWebhook(id, value),
      );
      return pageOf(all, ({ id, created_at }) => [Date.parse(created_at), id], page);
    },
  });

  const one = query({
    name: 'webhooks.one',
    about: "One of the caller's webhooks",
    data: WebhookTarget,
    answer: WebhookAnswer,
    route: { method: 'GET', path: PATH },
    run: ({ caller }, { webhook_id }) => own(deps, caller.userId, webhook_id),
  });

  const deliveries = query({
    name: 'webhooks.deliveries',
    about:
      "What was delivered to a webhook or is yet to be, the newest first; of all the caller's webhooks the last 1,000",
    data: Type.Object({ webhook_id: WebhookTarget.properties.webhook_id, ...paged }, strict),
    answer: listAnswer(DeliveryAnswer),
    route: { method: 'GET', path: `${PATH}/deliveries` },
    async run({ caller: { userId } }, { webhook_id, ...page }) {
      await own(deps, userId, webhook_id);
      const stream = userStream(userId);
      const [all, made, due] = await Promise.all([
        log.guardAll(stream, 'deliveries'),
        log.guardScores(stream, 'deliveries_made'),
        log.guardScores(stream, 'deliveries_due'),
      ]);
      const found = Object.entries(all).flatMap(([id, value]) => {
        const delivery = parseDelivery(value);
        return delivery.webhook_id === webhook_id ? [{ id, ...delivery, at: made.get(id) ?? 0 }] : [];
      });
      const { items, ...rest } = pageOf(found, ({ id, at }) => [at, id], page);
      const shown = items.map(({ at, ...delivery }) => {
        const next = due.get(`${webhook_id} ${delivery.id}`);
        return {
          ...delivery,
          created_at: new Date(at).toISOString(),
          next_try_at: next === undefined || next === IN_HAND ? null : new Date(next).toISOString(),
        };
      });
      return { items: shown, ...rest };
    },
  });

  return [list, one, deliveries];
}

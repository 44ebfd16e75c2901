/**
 * Delivers what is due. A timer for each webhook says when; the calls themselves happen beside the timers, so many webhooks at once and no
 * more, since a target that hangs must hold up nothing else. Whoever is at a webhook has a lease for it: who dies at it is followed by
 * another, at the cost of one try. The body is the event as the log has it, at the moment of the call.
 */
import { createHmac } from 'node:crypto';
import { eventId } from '../../envelope.ts';
import { conversationStream, userStream } from '../../keys.ts';
import { CallFailed } from '../../outgoing.ts';
import { parseMember } from '../access.ts';
import { Beside } from '../beside.ts';
import { derivedId } from '../derived-id.ts';
import type { Deps, Timer } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { parseAbout, parseDetails, resultWord } from './stored.ts';
import type { About, Details } from './stored.ts';

/** Webhooks that are called at a time. */
const AT_ONCE = 32;
/** Deliveries of one webhook in one go, and how many of them side by side. */
const BATCH = 20;
const SIDE_BY_SIDE = 4;
/** Longer than a call takes. */
const ROUND_MS = 5_000;
const CONTENT = new Set(['message.sent', 'message.edited']);

interface Job {
  readonly owner: string;
  readonly webhook: string;
  /** Seconds, by Redis. */
  readonly now: number;
  readonly details: Details;
  readonly due: readonly { readonly delivery: string; readonly about: About }[];
}

type Outcome = readonly ['delivered' | 'failed' | 'gone', string];

export function delivering(deps: Deps): Timer {
  const { log, outgoing, secretOf } = deps;
  const beside = new Beside(AT_ONCE);

  /** The event as the owner may see it now; undefined where they may not. */
  async function visible(owner: string, { conversation_id, event_id, event_type }: About): Promise<Buffer | undefined> {
    const stream = conversationStream(conversation_id);
    const [[head], member, raw] = await Promise.all([
      log.heads([stream], ['deleted']),
      log.guardField(stream, 'members', owner),
      log.readOne(stream, event_id),
    ]);
    const joined = parseMember(member)?.joined;
    const isSeen = joined !== undefined && eventId(event_id).seq >= joined;
    if (!raw || !isSeen || (head?.deleted && event_type !== 'conversation.deleted')) return undefined;
    if (deps.withheldFrom(raw)?.(owner)) return undefined;
    if (!CONTENT.has(event_type)) return raw.json;
    const { message_id } = deps.decode(raw).data as { message_id: string };
    const facts = parseMessageFacts(await log.guardField(stream, 'messages', message_id));
    return facts?.isDeleted ? undefined : raw.json;
  }

  async function call({ owner, webhook, now, details }: Job, delivery: string, about: About): Promise<Outcome> {
    const body = await visible(owner, about);
    if (!body) return ['gone', '-'];
    const mac = createHmac('sha256', secretOf(`webhook ${webhook}`))
      .update(`${now}.`)
      .update(body)
      .digest('hex');
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'Rill-Webhook',
      'Chat-Delivery': delivery,
      'Chat-Signature': `t=${now},v1=${mac}`,
    };
    try {
      const status = await outgoing.post({ url: details.url, headers, body });
      return [status >= 200 && status < 300 ? 'delivered' : 'failed', String(status)];
    } catch (error) {
      if (error instanceof CallFailed) return ['failed', error.message];
      throw error;
    }
  }

  async function settle({ owner, webhook, details }: Job, delivery: string, outcome: Outcome, isLast: boolean) {
    const notification_id = derivedId('notification', owner, 'webhook', webhook, delivery);
    const { conversation_id } = details;
    const about = { kind: 'webhook_paused', conversation_id, message_id: null, actor_id: owner, webhook_id: webhook };
    await log.append({
      script: 'webhook.settle',
      stream: userStream(owner),
      actorId: owner,
      knowsRepeats: true,
      args: {
        webhook,
        delivery,
        outcome: outcome[0],
        result: resultWord(outcome[1]),
        is_last: isLast ? '1' : '',
        notification: notification_id,
        data: JSON.stringify({ notification_id, ...about }),
      },
    });
  }

  /** What cannot be told of now is tried again when the lease is over. */
  async function work(job: Job): Promise<void> {
    const waiting = job.due.values();
    let left = job.due.length;
    const takeTurns = async () => {
      for (const { delivery, about } of waiting) {
        const outcome = await call(job, delivery, about);
        left -= 1;
        await settle(job, delivery, outcome, left === 0);
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, takeTurns));
  }

  return {
    kind: 'webhook',
    async fire(name) {
      beside.checkRoom();
      const [owner, webhook] = name.split('.') as [string, string];
      const args = { webhook, most: String(BATCH), beside: String(SIDE_BY_SIDE), round_ms: String(ROUND_MS) };
      const [status, clock, word, ...pairs] = (await log.run('webhook.begin', userStream(owner), args)).map(String);
      if (status !== 'ok') return;
      const due = pairs.flatMap((delivery, i) => (i % 2 === 0 ? [{ delivery, about: parseAbout(pairs[i + 1]!) }] : []));
      const now = Math.floor(Number(clock) / 1_000);
      beside.begin(work({ owner, webhook, now, details: parseDetails(word!), due }));
    },
  };
}

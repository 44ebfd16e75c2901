/** Webhooks and their deliveries as the scripts keep them (`lua/lib/webhooks.lua`). Pure. */
import type { Static } from 'typebox';
import { derivedId } from '../derived-id.ts';
import { opaqueWord, readOpaque } from '../opaque.ts';
import type { WebhookAnswer } from './contract.ts';

export type Webhook = Static<typeof WebhookAnswer>;

/** What its owner wanted; no script looks into it. */
export interface Details {
  readonly url: string;
  readonly events: readonly string[];
  readonly conversation_id: string | null;
  readonly created_at: string;
}

export const detailsWord = (details: Details): string => opaqueWord(details);
export const parseDetails = (word: string): Details => readOpaque(word) as Details;

export function parseWebhook(id: string, value: string): Webhook {
  const [state, since, , word] = value.split(' ') as [Webhook['state'], string, string, string];
  const { url, events, conversation_id, created_at } = parseDetails(word);
  const failing_since = since === '-' ? null : new Date(Number(since)).toISOString();
  return { id, url, events: [...events], conversation_id, state, failing_since, created_at };
}

/** When a delivery is due that somebody tries just now. */
export const IN_HAND = 1;

/** What of a conversation is to be delivered: its id, the event's id and type. */
export interface About {
  readonly conversation_id: string;
  readonly event_id: string;
  readonly event_type: string;
}

export const aboutText = ({ conversation_id, event_id, event_type }: About): string =>
  `${conversation_id} ${event_id} ${event_type}`;

export function parseAbout(text: string): About {
  const [conversation_id, event_id, event_type] = text.split(' ') as [string, string, string];
  return { conversation_id, event_id, event_type };
}

export interface Delivery extends About {
  readonly webhook_id: string;
  readonly state: 'pending' | 'delivered' | 'failed' | 'gone';
  readonly tries: number;
  readonly result: string | null;
}

export function parseDelivery(value: string): Delivery {
  const [webhook_id, state, tries, ...rest] = value.split(' ') as [string, Delivery['state'], string, ...string[]];
  const result = rest.at(-1)!;
  return {
    webhook_id,
    state,
    tries: Number(tries),
    ...parseAbout(rest.join(' ')),
    result: result === '-' ? null : result.replaceAll('_', ' '),
  };
}

/** A result as one word. */
export const resultWord = (text: string): string => text.replaceAll(/\s/g, '_').slice(0, 80) || '-';

/** The same for each try, and for a reaction that is repeated. */
export const deliveryId = (webhook: string, { conversation_id, event_id }: About): string =>
  derivedId('delivery', webhook, conversation_id, event_id);

/** Who wants to hear of what, as each partition has it: `<owner> <conversation, or -> <types with commas between>`. */
export interface Wish {
  readonly webhook: string;
  readonly owner: string;
  readonly conversation: string | undefined;
  readonly types: readonly string[];
}

export const wishText = ({ owner, conversation = '-', types }: Omit<Wish, 'webhook'>): string =>
  `${owner} ${conversation} ${types.join(',')}`;

export function parseWish(webhook: string, value: string): Wish {
  const [owner, conversation, types] = value.split(' ') as [string, string, string];
  return { webhook, owner, conversation: conversation === '-' ? undefined : conversation, types: types.split(',') };
}

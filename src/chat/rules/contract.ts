/** Rules on content: the event, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const Rules = Type.Object(
  {
    blocklist: Type.Boolean({ description: 'Refuses English swear words, also in disguise' }),
    words: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      maxItems: 100,
      description: 'Words and phrases that are refused, in whatever letters; * at an end stands for the rest of a word',
    }),
    links: Type.Boolean({ description: 'False refuses links' }),
    max_mentions: Type.Union([Type.Integer({ minimum: 0, maximum: 50 }), Type.Null()], {
      description: 'How many a message may mention; null: any number',
    }),
  },
  { additionalProperties: false },
);
export type Rules = Static<typeof Rules>;

export const NO_RULES: Rules = { blocklist: false, words: [], links: true, max_mentions: null };

export const RulesChanged = event({ type: 'rules.changed', version: 1, data: Rules });
export const RulesAnswer = Rules;

/** What is left out is not refused. */
export const ChangeRules = Type.Object(
  { conversation_id: Id, ...Type.Partial(Rules).properties },
  { additionalProperties: false },
);

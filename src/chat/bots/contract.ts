/** Bots and incoming hooks: what a client sends and gets. A bot's own events are those of any user. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { DisplayName } from '../accounts/contract.ts';

const strict = { additionalProperties: false } as const;

export const CreateBot = Type.Object(
  {
    username: Type.String({
      maxLength: 32,
      pattern: '^[A-Za-z0-9_.-]{3,32}$',
      words: 'must be 3 to 32 letters from A to Z, digits, or any of _ . -',
      description: 'Unique without case, among people too',
    }),
    display_name: Type.Optional(DisplayName),
    conversation_ids: Type.Optional(
      Type.Array(Id, {
        minItems: 1,
        maxItems: 20,
        uniqueItems: true,
        description: 'The key works in these alone; absent: in all that the bot is brought into',
      }),
    ),
  },
  strict,
);
export const BotTarget = Type.Object({ bot_id: Id }, strict);

export const BotAnswer = Type.Object(
  {
    id: Id,
    username: Type.String(),
    display_name: Type.String(),
    avatar_url: Type.Union([Type.String(), Type.Null()]),
    is_bot: Type.Literal(true),
    conversation_ids: Type.Union([Type.Array(Id), Type.Null()]),
    created_at: Type.String({ format: 'date-time' }),
  },
  strict,
);
export const BotMadeAnswer = Type.Object(
  { bot: BotAnswer, api_key: Type.String({ description: 'A bearer token, shown this once' }) },
  strict,
);

export const CreateHook = Type.Object({ conversation_id: Id, name: DisplayName }, strict);
export const HookAnswer = Type.Object(
  {
    id: Type.String({ ...Id, description: 'The bot that posts: to end the hook, delete it' }),
    conversation_id: Id,
    name: Type.String(),
    url: Type.String({ description: "Below the server's own address; whoever has it may post" }),
  },
  strict,
);
export const PostToHook = Type.Object({ token: Type.String({ maxLength: 256 }), content: Type.String() }, strict);

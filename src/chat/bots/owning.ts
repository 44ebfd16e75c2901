/** Which bots are whose: kept beside the owner's stream. The bot's account is in another partition, and is written after. */
import type { Context } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Deps } from '../feature.ts';
import type { BotWanted } from '../services.ts';

interface Owned {
  readonly id: string;
  /** Unix ms. */
  readonly created: number;
  readonly scope: readonly string[] | undefined;
}

/** Reads what `lua/bot.create.lua` writes: the time, and the conversations of the key, '-' for all. */
export function parseBot(id: string, value: string): Owned {
  const [created, scope] = value.split(' ');
  return { id, created: Number(created), scope: scope === '-' ? undefined : scope!.split(',') };
}

/** Those of whom an account is there: after a crash in between there may be none. */
export async function ownBots({ log, people }: Deps, ownerId: string): Promise<Owned[]> {
  const all = Object.entries(await log.guardAll(userStream(ownerId), 'bots'));
  const living = new Set(await people.exists(all.map(([id]) => id)));
  return all.filter(([id]) => living.has(id)).map(([id, value]) => parseBot(id, value));
}

/** Throws `not_found` where the user is no living bot of this owner. */
export async function ownBot({ log, people }: Deps, ownerId: string, id: string): Promise<Owned> {
  const [value, [living]] = await Promise.all([log.guardField(userStream(ownerId), 'bots', id), people.exists([id])]);
  if (value === null || living === undefined) throw fail('not_found', 'There is no such bot');
  return parseBot(id, value);
}

export async function shownBot({ people }: Deps, { id, scope }: Owned): Promise<object> {
  const { email: _email, owner_id: _owner, ...bot } = await people.own(id);
  return { ...bot, is_bot: true, conversation_ids: scope ?? null };
}

/** Answers its key. `body` is what a repeat must say too. Throws `conflict` for a name that is taken, or one bot too many. */
export async function makeBot(
  { log, botAccounts }: Deps,
  context: Context,
  wanted: BotWanted,
  body: unknown,
): Promise<string> {
  return botAccounts.make(context, wanted, async () => {
    const args = { bot: wanted.id, scope: wanted.scope?.join(',') ?? '-' };
    const stream = userStream(context.caller.userId);
    await log.append({ script: 'bot.create', stream, by: context, body, args });
  });
}

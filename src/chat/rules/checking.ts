/**
 * The check before an append: the server's rules, and those of the conversation. Costs no round trip: a node takes a conversation for one
 * without rules, or with those that it knows, and the script that appends says so where that is not so any more. So no text gets past
 * rules that were set before it, on whichever node. A refusal is the script's as well: who may not see a conversation is told that first,
 * and who repeats what was taken is answered that.
 */
import type { Config } from '../../config.ts';
import type { ChatEvent, Decode } from '../../envelope.ts';
import { ChatError, fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { Appended, Log } from '../../log/log.ts';
import type { ContentRules } from '../services.ts';
import { checkBy, loadBlocklist } from './check.ts';
import type { Blocklist, Broken, Check } from './check.ts';
import { NO_RULES } from './contract.ts';
import type { Rules } from './contract.ts';

/** Conversations whose rules a node keeps compiled. */
const MAX_KNOWN = 10_000;
/** Rules that change again while they are being read are read again, so many times. */
const TRIES = 5;

interface Known {
  /** Id of the event that set them. */
  readonly version: string;
  readonly check: Check;
}

const NOTHING_REFUSED: Known = { version: '', check: () => undefined };

/** The rules that an event set. */
export async function rulesSetBy(log: Log, decode: Decode, conversationId: string, version: string): Promise<Rules> {
  if (version === '') return NO_RULES;
  const event = await log.readOne(conversationStream(conversationId), version);
  if (!event) throw fail('unavailable', 'The rules of this conversation cannot be read right now');
  return (decode(event) as ChatEvent<Rules>).data;
}

export function contentRules({ log, decode, config }: { log: Log; decode: Decode; config: Config }): ContentRules {
  const known = new Map<string, Known>();
  let blocklist: Promise<Blocklist> | undefined;
  const compiled = async (rules: Rules): Promise<Check> =>
    checkBy(rules, rules.blocklist ? await (blocklist ??= loadBlocklist()) : undefined);
  const { CONTENT_BLOCKLIST, CONTENT_WORDS } = config;
  const hasServerRules = CONTENT_BLOCKLIST || CONTENT_WORDS.length > 0;
  let server: Promise<Check> | undefined;
  const serverCheck = (): Promise<Check> =>
    (server ??= compiled({ ...NO_RULES, blocklist: CONTENT_BLOCKLIST, words: [...CONTENT_WORDS] }));

  async function learn(conversationId: string, version: string): Promise<Known> {
    known.delete(conversationId);
    if (version === '') return NOTHING_REFUSED;
    const rules = { version, check: await compiled(await rulesSetBy(log, decode, conversationId, version)) };
    const [oldest] = known.size >= MAX_KNOWN ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    known.set(conversationId, rules);
    return rules;
  }

  return {
    async guarded(conversationId, text, append) {
      const byServer = hasServerRules ? (await serverCheck())(text) : undefined;
      let own = known.get(conversationId) ?? NOTHING_REFUSED;
      for (let tries = 1; ; tries += 1) {
        const byOwn = byServer ? undefined : own.check(text);
        const broken = byServer ?? byOwn;
        const word = byServer ? 'server' : byOwn ? 'own' : '';
        const appended = await refusing(broken, append({ rules: own.version, broken: word }));
        if (appended.status !== 'stale') return appended;
        if (tries === TRIES) throw fail('unavailable', 'The rules of this conversation change too often');
        own = await learn(conversationId, appended.id);
      }
    },

    async checkNames(texts) {
      if (!hasServerRules) return;
      const check = await serverCheck();
      for (const [field, content] of Object.entries(texts)) {
        const broken = content ? check({ content, mentions: 0 }) : undefined;
        if (broken) throw rejected(broken, `/${field}`);
      }
    },
  };
}

/** The script knows that a rule is broken, and the node which. */
async function refusing(broken: Broken | undefined, appending: Promise<Appended>): Promise<Appended> {
  try {
    return await appending;
  } catch (error) {
    throw broken && error instanceof ChatError && error.code === 'content_rejected' ? rejected(broken) : error;
  }
}

function rejected({ rule, says }: Broken, pointer = '/content'): ChatError {
  return fail('content_rejected', `Rule "${rule}": ${says}`, { errors: [{ pointer, message: says, rule }] });
}

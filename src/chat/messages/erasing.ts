/**
 * Empties every text that a user wrote, once the account has ended with that wish: a tombstone for each message, in every conversation the
 * user was ever in. A timer that the end of the account set does it in steps of bounded work, and its name says how far it has come: after a
 * crash the step is done again, which changes nothing. A second round finds what another node still took while the account ended. Leaves the
 * bytes in the logs; what others forwarded is theirs.
 */
import { actorOf, START } from '../../envelope.ts';
import type { Decode, RawEvent } from '../../envelope.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import type { Deps, Timer } from '../feature.ts';
import { MessageSent } from './contract.ts';
import type { MessageSentData } from './contract.ts';

/** Events that one step looks at, and messages that one script takes away. */
const STEP = 2_000;
const PAGE = 500;
const AT_ONCE = 100;
const ROUNDS = 2;
/** Longer than any node believes in a session that has ended. */
const NEXT_ROUND_MS = 15_000;

/** What is done next: the rest of a round, from this conversation on, and in it after this event. */
interface Progress {
  readonly userId: string;
  readonly round: number;
  readonly conversationId: string;
  readonly after: string;
}

const nameOf = ({ userId, round, conversationId, after }: Progress): string =>
  [userId, round, conversationId, after].join(' ');

function progressOf(name: string): Progress {
  const [userId = '', round = '1', conversationId = '', after = START] = name.split(' ');
  return { userId, round: Number(round), conversationId, after };
}

export function erasing({ log, decode, memberships }: Pick<Deps, 'log' | 'decode' | 'memberships'>): Timer {
  /** Takes away what the user wrote in a page of a log. */
  async function empty(stream: StreamRef, userId: string, page: readonly RawEvent[]): Promise<void> {
    const own = page.flatMap((event) => messageBy(userId, event, decode));
    for (let i = 0; i < own.length; i += AT_ONCE) {
      const message_ids = own.slice(i, i + AT_ONCE);
      await log.append({ script: 'message.erase', stream, actorId: userId, knowsRepeats: true, args: { message_ids } });
    }
  }

  /** What is left of the round; undefined at its end. */
  async function step({ userId, round, ...from }: Progress): Promise<Progress | undefined> {
    const all = (await memberships.ever(userId)).toSorted();
    let left = STEP;
    for (const conversationId of all.filter((id) => id >= from.conversationId)) {
      const stream = conversationStream(conversationId);
      for (let after = conversationId === from.conversationId ? from.after : START; ;) {
        if (left <= 0) return { userId, round, conversationId, after };
        const page = await log.readAfter(stream, after, PAGE);
        await empty(stream, userId, page);
        // A conversation without an event of the user's costs a read as well.
        left -= page.length + 1;
        if (page.length < PAGE) break;
        after = page.at(-1)!.id;
      }
    }
    return undefined;
  }

  return {
    kind: 'erasing',
    async fire(name) {
      const at = progressOf(name);
      const next = await step(at);
      const again = at.round < ROUNDS ? { ...progressOf(at.userId), round: at.round + 1 } : undefined;
      const following = next ?? again;
      await log.run('erasing.advance', userStream(at.userId), {
        done: name,
        next: following ? nameOf(following) : '',
        delay: String(next ? 0 : NEXT_ROUND_MS),
      });
    },
  };
}

/** The id of the message that an event sent, if it is this user's. What cannot be read is in no history either. */
function messageBy(userId: string, event: RawEvent, decode: Decode): string[] {
  if (event.type !== MessageSent.type || actorOf(event) !== userId) return [];
  try {
    return [(decode(event).data as MessageSentData).message_id];
  } catch {
    return [];
  }
}

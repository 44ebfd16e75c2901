/** Scheduled messages as the scripts keep them (`lua/lib/scheduled.lua`), and how that follows from the log. Pure. */
import { guards, NOBODY, WHATEVER } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { UserDeleted, UserRegistered } from '../accounts/contract.ts';
import { readOpaque } from '../opaque.ts';
import { ScheduledChanged, ScheduledCreated, ScheduledEnded } from './contract.ts';
import type { Scheduled } from './contract.ts';

/** What is said of a message beside where and when. */
export type Words = Omit<Scheduled, 'id' | 'conversation_id' | 'send_at'>;

export const wordsOf = (word: string): Words => readOpaque(word) as Words;

export function parseScheduled(id: string, value: string): Scheduled {
  const [, conversation_id, at, word] = value.split(' ') as [string, string, string, string];
  const send_at = new Date(Number(at)).toISOString();
  return { id, conversation_id, send_at, ...wordsOf(word) };
}

const NAME = 'scheduled';
interface Planned {
  readonly data: { readonly scheduled_id: string; readonly conversation_id: string; readonly send_at: string };
}
/** No log tells what will be said, nor that it is being said just now. */
const set = (state: GuardState, { data: { scheduled_id, conversation_id, send_at } }: Planned): void =>
  state.set(NAME, scheduled_id, `${WHATEVER} ${conversation_id} ${Date.parse(send_at)} ${WHATEVER}`);

export const scheduledGuards = [
  guards(UserRegistered, (state) => state.set(NAME, NOBODY, '')),
  guards(ScheduledCreated, set),
  guards(ScheduledChanged, set),
  guards(ScheduledEnded, (state, { data }) => state.remove(NAME, data.scheduled_id)),
  guards(UserDeleted, (state) => state.clear(NAME)),
];

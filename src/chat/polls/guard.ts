/** What the append scripts keep of polls (`lua/lib/polls.lua`), and how it follows from the log. Pure. */
import { guards } from '../../log/guard.ts';
import { PollClosed, PollCreated, PollVoted } from './contract.ts';

const pollField = (pollId: string): string => `${pollId}:poll`;
export const voteField = (pollId: string, userId: string): string => `${pollId}:vote:${userId}`;

interface PollFacts {
  readonly count: number;
  readonly multiple: boolean;
  readonly endsAt: number | undefined;
  readonly isClosed: boolean;
}

const pollText = ({ count, multiple, endsAt, isClosed }: PollFacts): string =>
  `${count} ${multiple ? 'multiple' : 'single'} ${endsAt ?? '-'} ${isClosed ? 'closed' : 'open'}`;

/** The options of a vote in the words of the scripts, and back. */
export const voteText = (options: readonly number[]): string => options.toSorted((a, b) => a - b).join(',');
export const parseVote = (text: string | null): number[] => (text ? text.split(',').map(Number) : []);

export const pollGuards = [
  guards(PollCreated, (state, { data: { poll_id, options, multiple, closes_at } }) => {
    const endsAt = closes_at === null ? undefined : Date.parse(closes_at);
    const facts = { count: options.length, multiple, endsAt, isClosed: false };
    state.set('messages', pollField(poll_id), pollText(facts));
  }),
  guards(PollVoted, (state, { actor_id, data: { poll_id, options } }) => {
    const field = voteField(poll_id, actor_id);
    if (options.length === 0) state.remove('messages', field);
    else state.set('messages', field, voteText(options));
  }),
  guards(PollClosed, (state, { data }) => {
    const field = pollField(data.poll_id);
    state.set('messages', field, (state.get('messages', field) ?? '').replace(/open$/, 'closed'));
  }),
];

/** What of a message tells its poll: the options with their votes, live, by each vote and what it was before; and the poll by itself. */
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Contribution, Handler } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import type { Message } from '../messages/contract.ts';
import { PollAnswer, PollClosed, PollCreated, PollTarget, PollVoted } from './contract.ts';
import { parseVote, voteField } from './guard.ts';

const handlers: Handler<Message>[] = [
  when(PollCreated, ({ data: { poll_id, options, multiple, closes_at } }) => {
    const none = options.map((text) => ({ text, votes: 0 }));
    const poll = { options: none, multiple, closes_at, closed_at: null, voters: 0 };
    return [{ key: poll_id, change: (doc) => ({ ...doc, poll }) }];
  }),
  when(PollVoted, ({ data: { poll_id, options, before = [] } }) => [
    { key: poll_id, change: (doc) => (doc.poll ? { ...doc, poll: counted(doc.poll, before, options) } : doc) },
  ]),
  when(PollClosed, ({ at, data }) => [
    { key: data.poll_id, change: (doc) => (doc.poll ? { ...doc, poll: { ...doc.poll, closed_at: at } } : doc) },
  ]),
];
export const onMessages: Contribution = { view: 'history', handlers: handlers as Handler<object>[] };

type Poll = NonNullable<Message['poll']>;

function counted(poll: Poll, before: readonly number[], now: readonly number[]): Poll {
  const change = (i: number) => Number(now.includes(i)) - Number(before.includes(i));
  const options = poll.options.map(({ text, votes }, i) => ({ text, votes: votes + change(i) }));
  return { ...poll, options, voters: poll.voters + Math.sign(now.length) - Math.sign(before.length) };
}

/** The poll as this reader gets it, who must be one of the conversation. Throws `not_found`. */
export async function pollFor({ log, messages }: Deps, userId: string, id: string, pollId: string): Promise<object> {
  const [message, vote] = await Promise.all([
    messages.find(id, pollId),
    log.guardField(conversationStream(id), 'messages', voteField(pollId, userId)),
  ]);
  if (!message?.poll) throw fail('not_found', 'There is no such poll');
  const { sender_id: created_by, created_at, content: question, poll } = message;
  return { id: pollId, conversation_id: id, created_by, created_at, question, ...poll, own_vote: parseVote(vote) };
}

export function pollQuery(deps: Deps): Query {
  return query({
    name: 'polls.one',
    about: 'A poll: how many voted for what, and what the caller voted for',
    data: PollTarget,
    answer: PollAnswer,
    route: { method: 'GET', path: '/conversations/{conversation_id}/polls/{poll_id}' },
    async run({ caller }, { conversation_id: id, poll_id }) {
      await memberStanding(deps.log, caller.userId, id);
      return pollFor(deps, caller.userId, id, poll_id);
    },
  });
}

/**
 * Polls: a message with options that all members can vote for, each with one vote that can be changed until the poll closes: by who made it,
 * by an admin, or at its time. Everybody sees who voted for what, since every vote is an event. A poll cannot be edited.
 */
import type { Context } from '../../envelope.ts';
import { invalid } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import type { Append, Appended } from '../../log/log.ts';
import { command } from '../feature.ts';
import type { Command, Deps, Feature, Timer } from '../feature.ts';
import { firstEvent, unlessDone } from '../repeats.ts';
import { checkAhead, isBlank, timeAt } from '../text.ts';
import { CreatePoll, PollAnswer, PollClosed, PollCreated, PollTarget, PollVoted, Vote } from './contract.ts';
import { pollGuards, voteText } from './guard.ts';
import { onMessages, pollFor, pollQuery } from './view.ts';

export const polls: Feature = {
  events: [PollCreated, PollVoted, PollClosed],
  contributions: [onMessages],
  guards: pollGuards,
  serve: (deps) => ({
    commands: [create(deps), vote(deps), close(deps)],
    queries: [pollQuery(deps)],
    timers: [ending(deps)],
  }),
};

const PATH = '/conversations/{conversation_id}/polls';

function create(deps: Deps): Command {
  const { log, rules } = deps;

  /** The poll that a first try made has another id. */
  async function idOf(stream: StreamRef, eventId: string): Promise<string> {
    return (await firstEvent<{ message_id: string }>(deps, stream, eventId)).data.message_id;
  }

  return command({
    type: 'poll.create',
    about: 'Posts a poll: a message of type poll, which has the id of the poll',
    data: CreatePoll,
    answer: PollAnswer,
    route: { method: 'POST', path: PATH, status: 201 },
    socket: true,
    noun: 'poll',
    limited: 'message',
    async run(context, { conversation_id: id, question, options, multiple = false, ...rest }) {
      const { caller, newId, now } = context;
      const blank = [question, ...options].findIndex((text) => isBlank(text));
      if (blank >= 0)
        throw invalid([
          { pointer: blank === 0 ? '/question' : `/options/${blank - 1}`, message: 'must say something' },
        ]);
      const stream = conversationStream(id);
      const endsAt = rest.closes_at ? timeAt('/closes_at', rest.closes_at) : undefined;
      const closes_at = endsAt === undefined ? null : new Date(endsAt).toISOString();
      await unlessDone({ log, context, stream }, async () => {
        if (endsAt !== undefined) checkAhead('/closes_at', endsAt, now);
      });
      const poll_id = newId();
      const said = { content: question, message_type: 'poll', reply_to: null, attachments: [] };
      const message = { message_id: poll_id, ...said, mentions: [], mentions_all: false, metadata: {} };
      const text = { content: [question, ...options].join('\n'), mentions: 0 };
      const append = (verdict: { rules: string; broken: string }) =>
        log.append({
          script: 'poll.create',
          stream,
          by: context,
          body: [id, question, options, multiple, closes_at],
          args: {
            message_id: poll_id,
            ends: String(endsAt ?? '-'),
            count: String(options.length),
            kind: multiple ? 'multiple' : 'single',
            ...verdict,
            message: JSON.stringify(message),
            data: JSON.stringify({ poll_id, question, options, multiple, closes_at }),
          },
        });
      const appended = await rules.guarded(id, text, append);
      const made = appended.status === 'duplicate' ? await idOf(stream, appended.id) : poll_id;
      return { body: await pollFor(deps, caller.userId, id, made), eventId: appended.id };
    },
  });
}

interface Target {
  readonly conversation_id: string;
  readonly poll_id: string;
}

/** What is done to a poll that is there. */
async function change(
  { log }: Deps,
  context: Context,
  { conversation_id, poll_id }: Target,
  { script, args, about = [] }: { script: string; args: Append['args']; about?: readonly number[] },
): Promise<Appended> {
  return log.append({
    script,
    stream: conversationStream(conversation_id),
    by: context,
    body: [conversation_id, poll_id, about],
    args: { message_id: poll_id, ...args },
  });
}

function vote(deps: Deps): Command {
  return command({
    type: 'poll.vote',
    about: 'Votes, or votes otherwise; no option takes the vote back',
    data: Vote,
    answer: PollAnswer,
    route: { method: 'PUT', path: `${PATH}/{poll_id}/votes` },
    socket: true,
    noun: 'poll',
    async run(context, { options, ...target }) {
      const about = options.toSorted((a, b) => a - b);
      const args = { options: voteText(about) };
      const appended = await change(deps, context, target, { script: 'poll.vote', args, about });
      const body = await pollFor(deps, context.caller.userId, target.conversation_id, target.poll_id);
      return { body, eventId: appended.id };
    },
  });
}

function close(deps: Deps): Command {
  return command({
    type: 'poll.close',
    about: 'Closes a poll before its time; for whoever made it, and for admins',
    data: PollTarget,
    answer: PollAnswer,
    route: { method: 'POST', path: `${PATH}/{poll_id}/close` },
    socket: true,
    noun: 'poll',
    async run(context, target) {
      const { conversation_id: id, poll_id } = target;
      const args = { timer: `${id}.${poll_id}.` };
      const appended = await change(deps, context, target, { script: 'poll.close', args });
      return { body: await pollFor(deps, context.caller.userId, id, poll_id), eventId: appended.id };
    },
  });
}

/** In the name of who made it. */
function ending({ log }: Deps): Timer {
  return {
    kind: 'poll',
    async fire(timer) {
      const [id, message_id, actorId] = timer.split('.') as [string, string, string];
      const stream = conversationStream(id);
      await log.append({ script: 'poll.end', stream, actorId, knowsRepeats: true, args: { message_id, timer } });
    },
  };
}

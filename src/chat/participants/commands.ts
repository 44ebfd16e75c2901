/** Participants: bringing people in, taking them out, giving roles. The scripts decide who may. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { command, listAnswer, projection } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { unlessDone } from '../repeats.ts';
import { ParticipantAdded, ParticipantAnswer, ParticipantRemoved, ParticipantRoleChanged, Role } from './contract.ts';
import { participantGuards } from './guard.ts';
import { participantReads, participants as participantsView } from './view.ts';
import type { ParticipantReads } from './view.ts';

const Target = Type.Object({ conversation_id: Id, user_id: Id }, { additionalProperties: false });

export const participants: Feature = {
  events: [ParticipantAdded, ParticipantRemoved, ParticipantRoleChanged],
  projections: [projection(participantsView)],
  guards: participantGuards,
  serve(deps) {
    const reads = participantReads(deps);
    return { commands: participantCommands(deps, reads), queries: reads.queries };
  },
};

function participantCommands({ log, people, memberships }: Deps, reads: ParticipantReads): Command[] {
  const add = command({
    type: 'participant.add',
    about: 'Brings users into a group or channel; who is in already stays as they are',
    data: Type.Object(
      {
        conversation_id: Id,
        user_ids: Type.Array(Id, { minItems: 1, maxItems: 100, uniqueItems: true }),
        role: Type.Optional(Type.Enum(['admin', 'member'])),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(ParticipantAnswer),
    route: { method: 'POST', path: '/conversations/{conversation_id}/participants', status: 201 },
    socket: false,
    async run(context, { conversation_id: id, user_ids, role = 'member' }) {
      const { caller } = context;
      const stream = conversationStream(id);
      await unlessDone({ log, context, stream }, async () => {
        const living = new Set(await people.exists(user_ids));
        const unknown = user_ids.find((user) => !living.has(user));
        if (unknown) throw fail('not_found', `There is no user ${unknown}`);
      });
      const appended = await log.append({
        script: 'participant.add',
        stream,
        by: context,
        body: [id, user_ids, role],
        args: { role, users: user_ids },
      });
      // By this event all of them were in, those too who had come before.
      const joined = user_ids.map((userId) => ({ userId, conversationId: id, change: 'joined' as const }));
      if (appended.id) await memberships.record(joined, appended.id, caller.userId);
      return {
        body: { items: await reads.some(id, user_ids), next_cursor: null, has_more: false },
        eventId: appended.id,
      };
    },
  });

  const changeRole = command({
    type: 'participant.change_role',
    about: 'Gives a role; giving "owner" hands the conversation over',
    data: Type.Object({ conversation_id: Id, user_id: Id, role: Role }, { additionalProperties: false }),
    answer: ParticipantAnswer,
    route: { method: 'PATCH', path: '/conversations/{conversation_id}/participants/{user_id}', also: ['PUT'] },
    socket: false,
    async run(context, { conversation_id: id, user_id: user, role }) {
      const appended = await log.append({
        script: 'participant.change_role',
        stream: conversationStream(id),
        by: context,
        body: [id, user, role],
        args: { user, role },
      });
      return { body: (await reads.some(id, [user]))[0], eventId: appended.id };
    },
  });

  const remove = command({
    type: 'participant.remove',
    about: 'Takes a member out; for oneself use leave',
    data: Target,
    answer: null,
    route: { method: 'DELETE', path: '/conversations/{conversation_id}/participants/{user_id}', status: 204 },
    socket: false,
    async run(context, { conversation_id: id, user_id: user }) {
      const { caller } = context;
      const appended = await log.append({
        script: user === caller.userId ? 'conversation.leave' : 'participant.remove',
        stream: conversationStream(id),
        by: context,
        body: [id, user],
        args: user === caller.userId ? {} : { user },
      });
      const left = { userId: user, conversationId: id, change: 'left' as const };
      await memberships.record([left], appended.id, caller.userId);
      return { eventId: appended.id };
    },
  });

  return [add, changeRole, remove];
}

/**
 * Invites: whoever has the code of one may come into a group or channel. The script in the conversation's slot decides and counts, so that
 * one is used up exactly once over any race. Refuses to tell anything of a conversation to who has no code that holds.
 */
import { eventId } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { ConversationAnswer } from '../conversations/contract.ts';
import { derivedId } from '../derived-id.ts';
import { command } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { InviteCodes } from './codes.ts';
import type { InviteRef } from './codes.ts';
import { ByCode, CreateInvite, InviteAnswer, InviteCreated, InviteRevoked, InviteTarget } from './contract.ts';
import { inviteGuards } from './guard.ts';
import { inviteQueries, shown } from './view.ts';

export const invites: Feature = {
  events: [InviteCreated, InviteRevoked],
  guards: inviteGuards,
  serve(deps) {
    const codes = new InviteCodes(deps.config.SECRET_KEY);
    return { commands: inviteCommands(deps, codes), queries: inviteQueries(deps, codes) };
  },
};

function inviteCommands({ log, memberships, rooms }: Deps, codes: InviteCodes): Command[] {
  function named(code: string): InviteRef {
    const invite = codes.read(code);
    if (!invite) throw fail('not_found', 'There is no such invite');
    return invite;
  }

  const create = command({
    type: 'invite.create',
    about:
      'Makes a code by which others may come in; for whom the policy lets add people. A conversation has at most 100',
    data: CreateInvite,
    answer: InviteAnswer,
    route: { method: 'POST', path: '/conversations/{conversation_id}/invites', status: 201 },
    socket: true,
    noun: 'invite',
    async run(context, { conversation_id: id, expires_in, max_uses }) {
      const { caller, requestId, newId } = context;
      const { userId } = caller;
      const inviteId = requestId === undefined ? newId() : derivedId('invite', userId, requestId);
      const appended = await log.append({
        script: 'invite.create',
        stream: conversationStream(id),
        by: context,
        body: [id, expires_in, max_uses],
        args: { invite: inviteId, expires_in: String(expires_in ?? '-'), max_uses: String(max_uses ?? '-') },
      });
      // All of it follows from the event's id and what was asked for, so a repeat answers the same.
      const createdAt = eventId(appended.id).ms;
      const endsAt = typeof expires_in === 'number' ? createdAt + expires_in * 1_000 : undefined;
      const made = { id: inviteId, createdBy: userId, createdAt, endsAt, mostUses: max_uses ?? undefined, uses: 0 };
      return { body: shown(codes, id, made), eventId: appended.id };
    },
  });

  const revoke = command({
    type: 'invite.revoke',
    about: 'Nobody comes in by this invite any more; for whoever made it, and for admins',
    data: InviteTarget,
    answer: null,
    route: { method: 'DELETE', path: '/conversations/{conversation_id}/invites/{code}', status: 204 },
    socket: true,
    async run(context, { conversation_id: id, code }) {
      const invite = named(code);
      if (invite.conversationId !== id) throw fail('not_found', 'There is no such invite');
      const appended = await log.append({
        script: 'invite.revoke',
        stream: conversationStream(id),
        by: context,
        body: [id, invite.inviteId],
        args: { invite: invite.inviteId },
      });
      return { eventId: appended.id };
    },
  });

  const accept = command({
    type: 'invite.accept',
    about: 'Comes in by an invite; who is in already uses up nothing',
    data: ByCode,
    answer: ConversationAnswer,
    route: { method: 'POST', path: '/invites/{code}/accept' },
    socket: true,
    noun: 'conversation',
    async run(context, { code }) {
      const { userId } = context.caller;
      const { conversationId, inviteId } = named(code);
      const appended = await log.append({
        script: 'invite.accept',
        stream: conversationStream(conversationId),
        by: context,
        body: code,
        args: { invite: inviteId },
      });
      if (appended.id) await memberships.record([{ userId, conversationId, change: 'joined' }], appended.id, userId);
      return { body: await rooms.one(userId, conversationId), eventId: appended.id };
    },
  });

  return [create, revoke, accept];
}

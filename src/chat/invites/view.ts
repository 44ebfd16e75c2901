/** Invites as they are shown: to who may add people all that hold, to who has a code what is behind it. The guard state says it all. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { checkNotBanned, memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import type { InviteCodes } from './codes.ts';
import { ByCode, InviteAnswer, PreviewAnswer } from './contract.ts';
import { goodInvites, parseInvites } from './guard.ts';
import type { Invite } from './guard.ts';

const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** An invite to who may know its code. */
export function shown(codes: InviteCodes, conversationId: string, invite: Invite) {
  const { id, createdBy, createdAt, endsAt, mostUses, uses } = invite;
  return {
    code: codes.codeOf({ conversationId, inviteId: id }),
    invite_id: id,
    conversation_id: conversationId,
    created_by: createdBy,
    created_at: new Date(createdAt).toISOString(),
    expires_at: timeOf(endsAt),
    max_uses: mostUses ?? null,
    uses,
  };
}

export function inviteQueries({ log, people, rooms }: Deps, codes: InviteCodes): Query[] {
  async function good(conversationId: string, now: number): Promise<{ all: Invite[]; membersAdd: boolean }> {
    const [head] = await log.heads([conversationStream(conversationId)], ['invites', 'policy']);
    return {
      all: goodInvites(parseInvites(head?.invites ?? ''), now),
      membersAdd: head?.policy.startsWith('members ') ?? false,
    };
  }

  const list = query({
    name: 'invites.list',
    about: 'The invites by which one may come in, the newest first; for whom the policy lets add people',
    data: Type.Object(
      { conversation_id: Id, limit: Limit, cursor: Type.Optional(Cursor) },
      { additionalProperties: false },
    ),
    answer: listAnswer(InviteAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/invites' },
    async run({ caller, now }, { conversation_id: id, ...page }) {
      const { kind, member } = await memberStanding(log, caller.userId, id);
      const { all, membersAdd } = await good(id, now);
      if (kind === 'direct' || (member.role === 'member' && !membersAdd))
        throw fail('forbidden', 'Only who may add people sees the invites');
      const { items, ...rest } = pageOf(all, (invite) => [invite.createdAt, invite.id], page);
      return { items: items.map((invite) => shown(codes, id, invite)), ...rest };
    },
  });

  const preview = query({
    name: 'invites.preview',
    about: 'What is behind an invite, without coming in; not for who is banned there',
    data: ByCode,
    answer: PreviewAnswer,
    route: { method: 'GET', path: '/invites/{code}' },
    async run({ caller, now }, { code }) {
      const named = codes.read(code);
      if (named) await checkNotBanned(log, caller.userId, named.conversationId, now);
      const invites = named ? (await good(named.conversationId, now)).all : [];
      const invite = invites.find(({ id }) => id === named?.inviteId);
      const conversation = invite && named && (await rooms.glimpse(named.conversationId));
      if (!conversation) throw fail('not_found', 'There is no such invite, or not any more');
      const [inviter] = (await people.people([invite.createdBy])).values();
      return { code, conversation, invited_by: inviter!, expires_at: timeOf(invite.endsAt) };
    },
  });

  return [list, preview];
}

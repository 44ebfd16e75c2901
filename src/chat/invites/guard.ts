/** By which invites one may come in, as the append scripts keep it in the head (`lua/lib/invites.lua`), and how it follows from the log. Pure. */
import { eventId } from '../../envelope.ts';
import { guards } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { ParticipantAdded } from '../participants/contract.ts';
import { InviteCreated, InviteRevoked } from './contract.ts';

export interface Invite {
  readonly id: string;
  readonly createdBy: string;
  /** Unix ms. */
  readonly createdAt: number;
  readonly endsAt: number | undefined;
  readonly mostUses: number | undefined;
  readonly uses: number;
}

const orNothing = (word: string): number | undefined => (word === '-' ? undefined : Number(word));

export function parseInvites(text: string): Invite[] {
  return text.split(' ').flatMap((word) => {
    const [id = '', createdBy = '', at, ends = '-', most = '-', uses] = word.split(':');
    if (id === '') return [];
    const limits = { endsAt: orNothing(ends), mostUses: orNothing(most) };
    return [{ id, createdBy, createdAt: Number(at), ...limits, uses: Number(uses) }];
  });
}

/** Those by which one may still come in. */
export const goodInvites = (invites: readonly Invite[], now: number): Invite[] =>
  invites.filter(
    ({ endsAt, mostUses, uses }) =>
      (endsAt === undefined || now < endsAt) && (mostUses === undefined || uses < mostUses),
  );

const wordOf = ({ id, createdBy, createdAt, endsAt, mostUses, uses }: Invite): string =>
  [id, createdBy, createdAt, endsAt ?? '-', mostUses ?? '-', uses].join(':');

/** Scripts leave out what has ended whenever they write. */
function change(state: GuardState, by: { id: string }, to: (invites: readonly Invite[]) => readonly Invite[]): void {
  const now = eventId(by.id).ms;
  const before = goodInvites(parseInvites(state.get('head', 'invites') ?? ''), now);
  state.set('head', 'invites', goodInvites(to(before), now).map(wordOf).join(' '));
}

export const inviteGuards = [
  guards(InviteCreated, (state, event) => {
    const { id, actor_id: createdBy, data } = event;
    const endsAt = data.expires_at === null ? undefined : Date.parse(data.expires_at);
    const limits = { endsAt, mostUses: data.max_uses ?? undefined };
    const made = { id: data.invite_id, createdBy, createdAt: eventId(id).ms, ...limits, uses: 0 };
    change(state, event, (invites) => [...invites, made]);
  }),
  guards(InviteRevoked, (state, event) =>
    change(state, event, (invites) => invites.filter(({ id }) => id !== event.data.invite_id)),
  ),
  guards(ParticipantAdded, (state, event) => {
    const { invite_id } = event.data;
    if (invite_id === undefined) return;
    change(state, event, (invites) =>
      invites.map((invite) => (invite.id === invite_id ? { ...invite, uses: invite.uses + 1 } : invite)),
    );
  }),
];

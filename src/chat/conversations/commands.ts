/** Conversations: making, changing and ending them. Their scripts decide; the users' own lists follow at once. */
import type { Context } from '../../envelope.ts';
import Type from 'typebox';
import { Id, invalid } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { Appended } from '../../log/log.ts';
import { standings } from '../access.ts';
import { derivedId, directId } from '../derived-id.ts';
import { directoryEntry } from '../directory.ts';
import { command, projection } from '../feature.ts';
import type { Answer, Command, Deps, Feature } from '../feature.ts';
import { readableName } from '../text.ts';
import { cards } from './card.ts';
import {
  ConversationAnswer,
  ConversationCreated,
  ConversationDeleted,
  ConversationJoined,
  ConversationLeft,
  ConversationUpdated,
  DEFAULT_POLICY,
  Description,
  MAX_NAME,
  Name,
  PictureUrl,
  PolicyChange,
  SlowMode,
  Target,
} from './contract.ts';
import type { Policy } from './contract.ts';
import { welcoming } from './default-channels.ts';
import { entering } from './entering.ts';
import { conversationGuards, policyText } from './guard.ts';
import { conversationReads } from './view.ts';
import type { ConversationReads } from './view.ts';

export const conversations: Feature = {
  events: [ConversationCreated, ConversationUpdated, ConversationDeleted, ConversationJoined, ConversationLeft],
  projections: [projection(cards)],
  guards: conversationGuards,
  serve(deps) {
    const reads = conversationReads(deps);
    return {
      commands: [...making(deps, reads), ...changing(deps, reads), ...entering(deps, reads)],
      queries: reads.queries,
      reactors: [deps.memberships.lists],
      timers: [welcoming(deps)],
    };
  },
};

function checkedName(name: string): string {
  const kept = readableName(name, MAX_NAME);
  if (kept !== undefined) return kept;
  throw invalid([{ pointer: '/name', message: `must be 1 to ${MAX_NAME} characters of readable text` }]);
}

function making({ log, people, memberships, blocks, limits, rules }: Deps, reads: ConversationReads): Command[] {
  interface Plan {
    kind: 'direct' | 'group' | 'channel';
    name: string | null;
    description?: string | null;
    avatar_url?: string | null;
    policy?: Partial<Policy>;
    others: readonly string[];
  }

  async function create(context: Context, id: string, plan: Plan): Promise<Answer & { status: Appended['status'] }> {
    const { caller } = context;
    const others = [...new Set(plan.others)].filter((user) => user !== caller.userId);
    const [exist, [head]] = await Promise.all([people.exists(others), log.heads([conversationStream(id)], [])]);
    const living = new Set(exist);
    const direct = plan.kind === 'direct';
    // Where a group is there, it is the one that a first try made, whoever of them is gone since.
    const unknown = head && !direct ? undefined : others.find((user) => !living.has(user));
    const isBlocked = direct && (await blocks.between(caller.userId, others)).size > 0;
    if (unknown !== undefined || isBlocked) {
      // A direct conversation outlives the account at its other end, and a block.
      const [there] = direct ? await standings(log, caller.userId, [id]) : [];
      if (!there?.member && isBlocked) throw fail('forbidden', 'You cannot write to this user');
      if (!there?.member) throw fail('not_found', `There is no user ${unknown}`);
      return { status: 'unchanged', body: await reads.one(caller.userId, id) };
    }
    // What is there already is only come back to, or asked for once more.
    if (!head) {
      await rules.checkNames({ name: plan.name, description: plan.description });
      await limits.spendFor(context, 'conversation');
    }
    const participants = [
      { user_id: caller.userId, role: direct ? 'member' : 'owner' },
      ...others.map((user_id) => ({ user_id, role: 'member' })),
    ];
    const { name, description = null, avatar_url = null } = plan;
    const policy = { ...DEFAULT_POLICY, ...plan.policy };
    const data = { type: plan.kind, name, description, avatar_url, policy, participants };
    const appended = await log.append({
      script: 'conversation.create',
      stream: conversationStream(id),
      by: context,
      knowsRepeats: true,
      body: plan,
      args: {
        kind: plan.kind,
        policy: policyText(policy),
        directory: plan.kind === 'channel' ? directoryEntry(name ?? '', id) : '',
        data: JSON.stringify(data),
        participants: participants.flatMap((p) => [p.user_id, p.role]),
      },
    });
    // Also after a repeat: the first try may have ended between the two.
    const joined = participants.map((p) => ({ userId: p.user_id, conversationId: id, change: 'joined' as const }));
    await memberships.record(joined, appended.id, caller.userId);
    return { status: appended.status, body: await reads.one(caller.userId, id), eventId: appended.id };
  }

  const start = command({
    type: 'conversation.create',
    about: 'Starts a group or a public channel; its maker is the owner. A direct one comes back if it is there already',
    data: Type.Object(
      {
        type: Type.Enum(['direct', 'group', 'channel']),
        name: Type.Optional(Name),
        description: Type.Optional(Description),
        avatar_url: Type.Optional(PictureUrl),
        participant_ids: Type.Optional(Type.Array(Id, { maxItems: 100 })),
        policy: Type.Optional(PolicyChange),
      },
      { additionalProperties: false },
    ),
    answer: ConversationAnswer,
    route: { method: 'POST', path: '/conversations', status: 201 },
    socket: false,
    async run(context, { type, name, participant_ids = [], ...rest }) {
      const { caller, requestId, newId } = context;
      if (type === 'direct') {
        const [other] = participant_ids;
        if (participant_ids.length !== 1 || other === undefined || other === caller.userId) {
          throw invalid([
            { pointer: '/participant_ids', message: 'must name the one other user of a direct conversation' },
          ]);
        }
        const [meaningless] = Object.keys({ ...(name === undefined ? {} : { name }), ...rest });
        if (meaningless !== undefined)
          throw invalid([{ pointer: `/${meaningless}`, message: 'is nothing that a direct conversation has' }]);
        return create(context, directId(caller.userId, other), { kind: 'direct', name: null, others: [other] });
      }
      if (type === 'channel' && name === undefined)
        throw invalid([{ pointer: '/name', message: 'is needed for a channel' }]);
      // A repeat must find the conversation that the first try made, so the id follows from the request's.
      const id = requestId === undefined ? newId() : derivedId('conversation', caller.userId, requestId);
      const plan = { ...rest, name: name === undefined ? null : checkedName(name), others: participant_ids };
      return create(context, id, { kind: type, ...plan });
    },
  });

  const direct = command({
    type: 'conversation.direct',
    about: 'The direct conversation with a user, made if it is not there yet',
    data: Type.Object({ user_id: Id }, { additionalProperties: false }),
    answer: ConversationAnswer,
    route: { method: 'POST', path: '/conversations/direct' },
    socket: false,
    async run(context, { user_id }) {
      const { userId } = context.caller;
      if (user_id === userId) throw invalid([{ pointer: '/user_id', message: 'must be another user' }]);
      return create(context, directId(userId, user_id), { kind: 'direct', name: null, others: [user_id] });
    },
  });

  return [start, direct];
}

function changing({ log, rules }: Deps, reads: ConversationReads): Command[] {
  const update = command({
    type: 'conversation.update',
    about:
      'Changes name, description, picture, policy or slow mode, or archives it for everyone: then it can be read, what is there be taken ' +
      'away, and nothing new comes in until is_archived is false again',
    data: Type.Object(
      {
        conversation_id: Id,
        name: Type.Optional(Name),
        description: Type.Optional(Description),
        avatar_url: Type.Optional(PictureUrl),
        policy: Type.Optional(PolicyChange),
        slow_mode_seconds: Type.Optional(SlowMode),
        is_archived: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false, minProperties: 2 },
    ),
    answer: ConversationAnswer,
    route: { method: 'PATCH', path: '/conversations/{conversation_id}', also: ['PUT'] },
    socket: false,
    async run(context, { conversation_id: id, ...wanted }) {
      const { caller } = context;
      if (wanted.name !== undefined) wanted.name = checkedName(wanted.name);
      const changes = await reads.changesOf(id, wanted);
      await rules.checkNames({ name: changes.name, description: changes.description });
      const appended = await log.append({
        script: 'conversation.update',
        stream: conversationStream(id),
        by: context,
        body: [id, wanted],
        args: {
          // As it was asked for: who may not give it is told so, also where it would change nothing.
          policy: wanted.policy ? policyText(wanted.policy) : '',
          slow: wanted.slow_mode_seconds === undefined ? '' : String(wanted.slow_mode_seconds),
          archived: wanted.is_archived === undefined ? '' : wanted.is_archived ? '1' : '0',
          directory: changes.name === undefined ? '' : directoryEntry(changes.name, id),
          data: Object.keys(changes).length === 0 ? '' : JSON.stringify(changes),
        },
      });
      return { body: await reads.one(caller.userId, id), eventId: appended.id };
    },
  });

  const remove = command({
    type: 'conversation.delete',
    about: 'Ends a conversation for everyone',
    data: Target,
    answer: null,
    route: { method: 'DELETE', path: '/conversations/{conversation_id}', status: 204 },
    socket: false,
    async run(context, { conversation_id: id }) {
      const stream = conversationStream(id);
      const command = { script: 'conversation.delete', stream, by: context, body: id, args: {} };
      return { eventId: (await log.append(command)).id };
    },
  });

  return [update, remove];
}

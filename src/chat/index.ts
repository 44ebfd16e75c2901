/**
 * The product: the list of features, and what the other rooms get of them as tables. `api`, `gateway` and `projector` know no feature by
 * name; here is where a new one is added. Refuses to start with an orphan: a script without a command, an event without a script.
 */
import type { Config } from '../config.ts';
import { eventDecoder } from '../envelope.ts';
import type { CommandFrame, Decode, RawEvent } from '../envelope.ts';
import { fail } from '../errors.ts';
import { userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { composeProjections } from '../views/projection.ts';
import type { Contribution, Projection } from '../views/projection.ts';
import type { Views } from '../views/store.ts';
import { memberStanding, parseMember } from './access.ts';
import { accountEvents, accounts, profiles } from './accounts/commands.ts';
import type { Accounts } from './accounts/commands.ts';
import { conversationEvents, conversations } from './conversations/commands.ts';
import { leaveAll } from './conversations/entering.ts';
import { cards } from './conversations/card.ts';
import { dispatch } from './dispatch.ts';
import type { Dispatch } from './dispatch.ts';
import { RawJson } from './feature.ts';
import type { Context, Deps, FeatureEvent } from './feature.ts';
import { conversationsOf, inbox } from './inbox.ts';
import type { Inbox } from './inbox.ts';
import { messages } from './messages/commands.ts';
import { MessageSent } from './messages/contract.ts';
import { history } from './messages/view.ts';
import { participantEvents, participants } from './participants/commands.ts';
import { participants as participantsView } from './participants/view.ts';
import { Reading } from '../views/reading.ts';
import { receipts } from './receipts/commands.ts';
import { ReceiptRead } from './receipts/contract.ts';

export const events: readonly FeatureEvent[] = [
  ...accountEvents,
  ...conversationEvents,
  ...participantEvents,
  MessageSent,
  ReceiptRead,
] as readonly FeatureEvent[];

/** What features add to the documents of others. */
const contributions: readonly Contribution[] = [];

export const projections: readonly Projection[] = composeProjections(
  [profiles, cards, participantsView, history] as readonly Projection[],
  contributions,
);

/** Scripts that no command is named after: they serve several, or the machinery. */
const INTERNAL = /^(projector|feed|view|inbox|login)\.|^ticket\.redeem$/;

export interface Chat {
  readonly decode: Decode;
  readonly inbox: Inbox;
  readonly accounts: Accounts;
  readonly dispatch: Dispatch;
  /** What the gateway needs of the features. */
  readonly sockets: {
    conversationIds(userId: string): Promise<string[]>;
    checkMember(userId: string, conversationId: string): Promise<unknown>;
    opening(
      userId: string,
      only: string | undefined,
    ): Promise<{ ready: string; heads: ReadonlyMap<string, string>; userEventId: string }>;
    beforeJoining(userId: string, stream: StreamRef): Promise<string | undefined>;
    effectsOf(raw: RawEvent): Effect[];
    run(frame: CommandFrame, context: Context): Promise<object>;
  };
}

type Effect =
  | { kind: 'joined' | 'left'; userId: string; conversationId: string }
  | { kind: 'session_ended'; userId: string; sessionId: string };

/** `session.ready` names this many conversations; the rest come by REST. */
const CONVERSATIONS_IN_READY = 100;

export function chat(log: Log, views: Views, config: Config): Chat {
  const decode = eventDecoder(events);
  const reading = new Reading({ log, views, decode, projections });
  const deps: Deps = { log, reading, config };
  const lists = inbox(log, decode, events);
  const people = accounts({ ...deps, beforeDelete: (context) => leaveAll(deps, lists, context) });
  const rooms = conversations({ ...deps, people, inbox: lists });
  const features = [
    people.feature,
    rooms.feature,
    participants({ ...deps, people, inbox: lists }),
    messages({ ...deps, decode }),
    receipts(deps),
  ];
  const commands = features.flatMap((f) => f.commands);
  const queries = features.flatMap((f) => f.queries);
  checkOrphans(
    log,
    commands.map((c) => c.type),
  );
  const doors = dispatch(commands, queries, config.RATE_LIMIT_MESSAGES_PER_MINUTE);

  async function opening(userId: string, only: string | undefined) {
    const [user, userHeads, { items, heads }] = await Promise.all([
      people.own(userId),
      log.heads([userStream(userId)], []),
      rooms.reads.recent(userId, CONVERSATIONS_IN_READY, only),
    ]);
    const ready = `"user":${JSON.stringify(user)},"conversations":[${items.join(',')}]`;
    return { ready, heads, userEventId: userHeads[0]?.id ?? '0-0' };
  }

  async function beforeJoining(userId: string, stream: StreamRef): Promise<string | undefined> {
    const member = parseMember(await log.guardField(stream, 'members', userId));
    return member && log.idAtSeq(stream, member.joined - 1);
  }

  async function run(frame: CommandFrame, context: Context): Promise<object> {
    const { socket, noun } = doors.commands.get(frame.type) ?? {};
    if (!socket) throw fail('unknown_command', `A WebSocket takes no command ${frame.type}`);
    const { body, eventId } = await doors.command(frame.type, context, frame.data ?? {});
    const answer: Record<string, unknown> = {};
    if (eventId) {
      answer['event_id'] = eventId;
      answer['seq'] = Number(eventId.slice(eventId.indexOf('-') + 1));
      answer['durability'] = log.durability;
    }
    if (body && noun) answer[noun] = plain(body);
    return answer;
  }

  const effects = effectsByType(decode);
  return {
    decode,
    inbox: lists,
    accounts: people,
    dispatch: doors,
    sockets: {
      conversationIds: (userId) => conversationsOf(log, userId),
      checkMember: (userId, id) => memberStanding(log, userId, id),
      opening,
      beforeJoining,
      effectsOf: (raw) => {
        const found = effects.get(raw.type)?.(raw) ?? [];
        // A session that another node ended is refused here from now on, not only when its trust runs out.
        for (const effect of found) if (effect.kind === 'session_ended') people.forget(effect.userId);
        return found;
      },
      run,
    },
  };
}

const plain = (body: object): unknown => (body instanceof RawJson ? JSON.parse(body.json.toString()) : body);

/** What some events mean for the sockets of a node; a broken event means nothing, the projector parks it. */
function effectsByType(decode: Decode): Map<string, (raw: RawEvent) => Effect[]> {
  const effects = new Map<string, (raw: RawEvent) => Effect[]>();
  const add = (type: string, effectsOf: (data: never, raw: RawEvent) => Effect[]) =>
    effects.set(type, (raw) => {
      try {
        return effectsOf(decode(raw).data as never, raw);
      } catch {
        return [];
      }
    });
  for (const definition of events) {
    const { type } = definition;
    if (definition.membership) {
      add(type, (data, raw) =>
        definition.membership!(data, raw.stream.id).map(({ change, ...who }) => ({ kind: change, ...who })),
      );
    }
    if (definition.endsSession) {
      add(type, (data, raw) => [
        { kind: 'session_ended', userId: raw.stream.id, sessionId: definition.endsSession!(data) },
      ]);
    }
  }
  add('conversation.joined', (data: { conversation_id: string }, raw) => [
    { kind: 'joined', userId: raw.stream.id, conversationId: data.conversation_id },
  ]);
  return effects;
}

function checkOrphans(log: Log, commands: readonly string[]): void {
  const declared = new Set(events.map((e) => `${e.type}/${e.version}`));
  const emitted = new Set([...log.scripts.values()].flatMap((script) => script.emits));
  for (const script of log.scripts.values()) {
    if (!INTERNAL.test(script.name) && !commands.includes(script.name))
      throw new Error(`lua/${script.name}.lua: no command has this name`);
    const unknown = script.emits.find((name) => !declared.has(name));
    if (unknown) throw new Error(`lua/${script.name}.lua: no feature declares the event ${unknown}`);
  }
  const silent = [...declared].find((name) => !emitted.has(name));
  if (silent) throw new Error(`no script emits the event ${silent}`);
}

/**
 * Search in what the caller may see: messages of the conversations that they are in, from their joining on. The view of terms says where to
 * look, the messages themselves decide, so that nothing is found which was edited away or deleted. A search takes so much work and no more:
 * where it ends before it has found a page, it says so, and the cursor goes on from there.
 */
import { eventId } from '../../envelope.ts';
import type { Decode, EventId, RawEvent } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding, standings } from '../access.ts';
import type { Member, Standing } from '../access.ts';
import { listAnswer, projection, query } from '../feature.ts';
import type { Deps, Feature, Query } from '../feature.ts';
import type { Message, MessageSentData } from '../messages/contract.ts';
import { listOf } from '../paging.ts';
import { askedFor, behind, cursorAt, isWithin } from './asked.ts';
import type { Asked } from './asked.ts';
import { FoundAnswer, SearchMessages } from './contract.ts';
import { snippetOf } from './snippet.ts';
import { terms } from './terms.ts';
import { Walk } from './walk.ts';
import type { LookInto, Position } from './walk.ts';
import type { Range } from './words.ts';

export const search: Feature = {
  projections: [projection(terms)],
  serve: (deps) => ({ queries: [searchMessages(deps)] }),
};

/** Candidates that are looked at together, and of one search in all. */
const WAVE = 16;
const MOST_CANDIDATES = 600;

/** What of a conversation the caller may see: from this seq on, and in this search up to this event. */
interface Visible {
  readonly least: number;
  readonly end: EventId;
}

interface Hit {
  readonly place: Position;
  readonly message: Message;
  readonly ranges: Range[];
}

function searchMessages(deps: Deps): Query {
  const { log, memberships, messages, rooms } = deps;
  const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

  /** Where the caller may look: from the event by which they came in to the last one. */
  async function visible(userId: string, only: string | undefined): Promise<Map<string, Visible>> {
    const boundsOf = ({ member, lastEventId }: Standing & { member: Member }) => ({
      least: member.joined,
      end: eventId(lastEventId),
    });
    if (only !== undefined) return new Map([[only, boundsOf(await memberStanding(log, userId, only))]]);
    const ids = await memberships.of(userId);
    const found = await standings(log, userId, ids);
    return new Map(
      ids.flatMap((id, i) => {
        const standing = found[i];
        return standing?.member ? [[id, boundsOf({ ...standing, member: standing.member })] as const] : [];
      }),
    );
  }

  async function show(readerId: string, hits: readonly Hit[]): Promise<string[]> {
    const ids = [...new Set(hits.map(({ place }) => place.conversationId))];
    const [glimpses, ...shown] = await Promise.all([
      Promise.all(ids.map((id) => rooms.glimpse(id))),
      ...ids.map((id) => messages.shownTo(readerId, id, messagesIn(hits, id))),
    ]);
    const texts = new Map(ids.flatMap((id, i) => messagesIn(hits, id).map((m, n) => [m, shown[i]![n]!] as const)));
    return hits.flatMap(({ place, message, ranges }) => {
      const glimpse = glimpses[ids.indexOf(place.conversationId)];
      // It has ended meanwhile.
      if (!glimpse) return [];
      const { id, name, type } = glimpse;
      const about = { conversation: { id, name, type }, ...snippetOf(message.content, ranges) };
      return `{"message":${texts.get(message)},${JSON.stringify(about).slice(1)}`;
    });
  }

  return query({
    name: 'search.messages',
    about:
      'Messages of the conversations that the caller is in, newest first, from their joining on. A search that takes too long ends before its ' +
      'page is full: has_more says that there may be more, and the cursor goes on from there',
    data: SearchMessages,
    answer: listAnswer(FoundAnswer),
    route: { method: 'GET', path: '/search/messages' },
    async run({ caller }, data) {
      const { limit, conversation_id } = data;
      const asked = askedFor(data, segmenter);
      const rooms = await visible(caller.userId, conversation_id);
      const newest = Math.min(asked.before, asked.after?.ms ?? Infinity);
      const within = [...rooms].filter(([, { end }]) => end.ms >= asked.since);
      const ends = new Map(within.map(([id, { end }]) => [id, { ms: Math.min(end.ms, newest), seq: end.seq }]));
      const walk = new Walk(ends, looking(deps, asked, { rooms, limit }));
      const hits: Hit[] = [];
      let candidates = 0;
      while (hits.length <= limit && candidates < MOST_CANDIDATES) {
        const places = await walk.take(Math.max(WAVE, limit + 1 - hits.length));
        if (places.length === 0) break;
        candidates += places.length;
        hits.push(...(await decided(deps, asked, places)));
      }
      const page = hits.slice(0, limit);
      const { rest } = walk;
      const onwards = rest && { ...rest, seq: rest.seq + 1 };
      const next = hits.length > limit ? page.at(-1)!.place : onwards;
      return listOf(await show(caller.userId, page), next ? cursorAt(next) : null);
    },
  });
}

const messagesIn = (hits: readonly Hit[], conversationId: string): Message[] =>
  hits.filter(({ place }) => place.conversationId === conversationId).map(({ message }) => message);

/** Looks into the view of one conversation, within what the caller may see and asked for. */
function looking(
  { reading, messages }: Deps,
  { wanted, since, before, after }: Asked,
  { rooms, limit }: { rooms: ReadonlyMap<string, Visible>; limit: number },
): LookInto {
  const most = Math.max(WAVE, Math.ceil((2 * limit) / rooms.size));
  return async (id, beneath, look) => {
    const left = behind(after, id);
    const range = {
      least: rooms.get(id)!.least,
      since,
      before: Math.min(before, left.before),
      below: Math.min(beneath, left.below ?? Infinity),
    };
    const { places, next, late } = await reading.terms(terms, conversationStream(id), { wanted, most, ...range }, look);
    // What was put before all that the view lacks, and changed since: the message knows its place.
    const changed = [...late].flatMap(([messageId, at]) => (at === undefined ? [messageId] : []));
    const stood = changed.length === 0 ? [] : await messages.some(id, changed);
    const lateAt = [...late.values(), ...stood.map(({ event_id }) => event_id)].flatMap((at) => at ?? []);
    return { places: [...places, ...lateAt.map(eventId).filter((place) => isWithin(place, range))], next };
  };
}

/** The message that an event sent; undefined where it cannot be read any more. */
function sentIn(event: RawEvent, decode: Decode): string | undefined {
  try {
    return (decode(event).data as MessageSentData).message_id;
  } catch {
    return undefined;
  }
}

/** Those of the candidates that are what was asked for, in their order. */
async function decided({ log, decode, messages }: Deps, asked: Asked, places: readonly Position[]): Promise<Hit[]> {
  const ids = await Promise.all(
    places.map(async ({ conversationId, ms, seq }) => {
      const sent = await log.readOne(conversationStream(conversationId), `${ms}-${seq}`);
      return sent && sentIn(sent, decode);
    }),
  );
  const conversations = [...new Set(places.map(({ conversationId }) => conversationId))];
  const found = await Promise.all(
    conversations.map((id) =>
      messages.some(id, ids.filter((each, i) => each !== undefined && places[i]!.conversationId === id) as string[]),
    ),
  );
  const all = new Map(found.flat().map((message) => [`${message.conversation_id} ${message.seq}`, message]));
  return places.flatMap((place) => {
    const message = all.get(`${place.conversationId} ${place.seq}`);
    const ranges = message && asked.hitsIn(message);
    return ranges ? [{ place, message, ranges }] : [];
  });
}

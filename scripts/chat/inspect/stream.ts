/** `chat inspect conversation ID` and `chat inspect user ID`: what it is, who is in it, where everything that follows it stands. */
import { participants } from '../../../src/chat/participants/view.ts';
import { parseMemberWords } from '../../../src/chat/member-words.ts';
import { actorOf, eventId } from '../../../src/envelope.ts';
import type { EventId, RawEvent } from '../../../src/envelope.ts';
import type { StreamRef } from '../../../src/keys.ts';
import { seqOf } from '../../../src/log/log.ts';
import type { Log } from '../../../src/log/log.ts';
import { viewsThen } from '../../../src/views/then.ts';
import { foldOptions } from '../folding.ts';
import { bytes, facts, shortened, table, time } from '../printing.ts';
import type { Cell, Shown } from '../printing.ts';
import { dataOf } from '../tail.ts';
import { groupStandings, standingTables, viewStandings } from './standing.ts';

const LAST_EVENTS = 10;
const MOST_LISTED = 20;
const MOST_OF_DATA = 80;

export async function inspectStream(log: Log, stream: StreamRef): Promise<Shown> {
  const partition = log.keys.partitionOf(stream.id);
  const { id: head = '', chain: _, ...guard } = await log.guardAll(stream, 'head');
  const key = log.keys.of(stream, 'log');
  const [size, last, views, groups, within] = await Promise.all([
    log.connection.commands.memory('USAGE', key),
    log.readBefore(stream, '+', LAST_EVENTS),
    viewStandings(log, stream, head),
    groupStandings(log, partition),
    stream.kind === 'conversation' ? membersOf(log, stream) : conversationsOf(log, stream),
  ]);
  const events = last.toReversed();
  const about: [string, Cell][] = [
    [stream.kind, stream.id],
    ['partition', partition],
    ['log', key],
    ['events', seqOf(head)],
    ['last event', `${head} (${time(eventId(head).ms)})`],
    ['bytes of log', bytes(Number(size ?? 0))],
    ...Object.entries(guard).map(([field, value]): [string, Cell] => [field, value]),
  ];
  return {
    json: {
      kind: stream.kind,
      id: stream.id,
      partition,
      key,
      head,
      guard,
      bytes: Number(size ?? 0),
      ...within.json,
      views,
      groups,
      last_events: events.map(({ json }) => JSON.parse(json.toString()) as unknown),
    },
    text: [facts(about), within.text, standingTables(views, groups), eventTable(events)].filter(Boolean).join('\n'),
  };
}

/** The same as it was once, folded from the log. */
export async function inspectThen(log: Log, stream: StreamRef, end: EventId): Promise<Shown> {
  const { last, views } = await viewsThen(foldOptions(log), stream, end);
  const shown = [...views].map(([name, placed]) => {
    const newest = placed.slice(-MOST_LISTED).map(({ doc }) => doc);
    return { name, count: placed.length, newest };
  });
  const rows = shown.flatMap(({ name, newest }) => newest.map((doc) => [name, shortened(JSON.stringify(doc), 140)]));
  return {
    json: {
      kind: stream.kind,
      id: stream.id,
      last_event: last,
      views: Object.fromEntries(shown.map(({ name, count, newest }) => [name, { count, newest }])),
    },
    text: `${facts([
      [stream.kind, stream.id],
      ['last event then', `${last} (${time(eventId(last).ms)})`],
    ])}\n${table(
      ['view', 'documents'],
      shown.map(({ name, count }) => [name, count]),
    )}\n${table(['view', 'document'], rows)}`,
  };
}

export const eventTable = (events: readonly RawEvent[]): string =>
  table(
    ['event', 'at', 'type', 'by', 'data'],
    events.map((event) => [
      event.id,
      time(eventId(event.id).ms),
      event.type,
      actorOf(event),
      shortened(dataOf(event), MOST_OF_DATA),
    ]),
  );

async function membersOf(log: Log, stream: StreamRef): Promise<Shown & { json: object }> {
  const members = Object.entries(await log.guardAll(stream, 'members')).map(([user_id, value]) => {
    const { role, joined, read, upTo, delivered } = parseMemberWords(value);
    return {
      user_id,
      role,
      joined: Number(joined),
      delivered: Number(delivered),
      read: Number(read),
      read_up_to: upTo,
    };
  });
  const rows = members
    .slice(0, MOST_LISTED)
    .map((member) => [member.user_id, member.role, member.joined, member.delivered, member.read]);
  const more = members.length > MOST_LISTED ? `and ${members.length - MOST_LISTED} more\n` : '';
  const headings = ['member', 'role', 'joined at seq', 'delivered up to seq', 'messages read'];
  return { json: { [participants.name]: members }, text: `${table(headings, rows)}${more}` };
}

async function conversationsOf(log: Log, stream: StreamRef): Promise<Shown & { json: object }> {
  const listed = await log.guardAll(stream, 'conversations');
  const names = Object.keys(listed);
  const rows = names.slice(0, MOST_LISTED).map((id) => [id, shortened(listed[id]!, MOST_OF_DATA)]);
  const more = names.length > MOST_LISTED ? `and ${names.length - MOST_LISTED} more\n` : '';
  return { json: { conversations: listed }, text: `${table(['conversation', 'in the list as'], rows)}${more}` };
}

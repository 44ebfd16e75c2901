/**
 * What was to happen at a time, as the logs tell it: each scheduled message, reminder and poll ends once, none before its time by Redis'
 * clock, and what follows is there exactly where the end says so. Reads past the product.
 */
import { eventually } from './story.ts';
import type { Findings } from './story.ts';
import type { RawEntry, Truth } from './truth.ts';

interface Told {
  readonly id: string;
  readonly type: string;
  /** By the entry's id. */
  readonly ms: number;
  readonly stream: string;
  readonly request_id?: string;
  readonly data: Readonly<Record<string, string>>;
}

const KINDS = ['scheduled', 'reminder', 'poll', 'webhook', 'push'] as const;
/** Beyond this a timer is of something that nobody waits for: an unused file, a lease. */
const SOON_MS = 600_000;

/** Timers of features that are still to fire, soon or within another time from now. */
export async function timersLeft(truth: Truth, withinMs = SOON_MS): Promise<string[]> {
  const left: string[] = [];
  const before = Date.now() + withinMs;
  for (const key of await truth.keys('chat:{*}:timers')) {
    const timers = (await truth.client.zrangebyscore(key, '-inf', before)) as string[];
    left.push(...timers.filter((timer) => KINDS.some((kind) => timer.startsWith(`${kind} `))));
  }
  return left;
}

/** Waits until none of them is left. */
export async function fired(
  findings: Findings,
  truth: Truth,
  { when, withinMs }: { when: string; withinMs: number },
): Promise<void> {
  if (await eventually(async () => (await timersLeft(truth)).length === 0, withinMs)) return;
  findings.expect(false, `${when}: timers do not fire: ${(await timersLeft(truth)).slice(0, 4).join(', ')}`);
}

/** What is wrong, as sentences, and how many of each kind came to their end. */
export async function judgeTimed(truth: Truth): Promise<{ wrong: string[]; ended: Readonly<Record<string, number>> }> {
  const told: Told[] = [];
  for (const key of await truth.keys('chat:{*}:*:events'))
    for (const entry of await truth.entries(key)) told.push(toldBy(key.split(':').at(-2)!, entry));
  const of = (type: string) => told.filter((event) => event.type === type);
  const wrong = [...scheduledOnce(of), ...remindersOnce(of), ...pollsOnce(of)];
  const ended = {
    'scheduled messages': of('scheduled.ended').length,
    reminders: of('reminder.ended').length,
    'polls closed': of('poll.closed').length,
  };
  return { wrong, ended };
}

type Of = (type: string) => Told[];

function toldBy(stream: string, { id, fields }: RawEntry): Told {
  const event = JSON.parse(fields['event']!.toString()) as Pick<Told, 'request_id' | 'data'>;
  return { ...event, id, type: fields['type']!.toString(), ms: Number.parseInt(id, 10), stream };
}

function scheduledOnce(of: Of): string[] {
  const wrong: string[] = [];
  const ends = by(of('scheduled.ended'), 'scheduled_id');
  const sent = by(of('message.sent'), 'message_id');
  const changed = by(of('scheduled.changed'), 'scheduled_id');
  for (const { stream, data } of of('scheduled.created')) {
    const id = data['scheduled_id']!;
    const [end, ...more] = ends.get(id) ?? [];
    const messages = (sent.get(id) ?? []).length;
    if (!end || more.length > 0) wrong.push(`scheduled ${id} of ${stream} ended ${more.length + (end ? 1 : 0)} times`);
    if (messages !== (end?.data['reason'] === 'sent' ? 1 : 0))
      wrong.push(
        `scheduled ${id} ended as ${end?.data['reason']} ${end?.data['code']}, and was sent ${messages} times`,
      );
    const at = (changed.get(id) ?? []).at(-1)?.data['send_at'] ?? data['send_at']!;
    const [message] = sent.get(id) ?? [];
    if (message && message.ms < Date.parse(at))
      wrong.push(`scheduled ${id} for ${at} was sent early, as ${message.id}`);
  }
  return wrong;
}

function remindersOnce(of: Of): string[] {
  const wrong: string[] = [];
  const ends = by(of('reminder.ended'), 'reminder_id');
  for (const { stream, data } of of('reminder.created')) {
    const id = data['reminder_id']!;
    const [end, ...more] = ends.get(id) ?? [];
    if (!end || more.length > 0) wrong.push(`reminder ${id} of ${stream} ended ${more.length + (end ? 1 : 0)} times`);
    if (end && end.data['reason'] !== 'cancelled' && end.ms < Date.parse(data['remind_at']!))
      wrong.push(`reminder ${id} for ${data['remind_at']} rang early, as ${end.id}`);
  }
  const rung = of('reminder.ended').filter(({ data }) => data['reason'] === 'rung').length;
  const notified = of('notification.created').filter(({ data }) => data['kind'] === 'reminder').length;
  if (rung !== notified) wrong.push(`${rung} reminders rang, ${notified} were notified`);
  return wrong;
}

function pollsOnce(of: Of): string[] {
  const wrong: string[] = [];
  const closed = by(of('poll.closed'), 'poll_id');
  const deleted = by(of('message.deleted'), 'message_id');
  const gone = new Set(of('conversation.deleted').map(({ stream }) => stream));
  for (const { stream, data } of of('poll.created')) {
    const { poll_id: id, closes_at: at } = data as { poll_id: string; closes_at: string | null };
    const [end, ...more] = closed.get(id) ?? [];
    if (more.length > 0) wrong.push(`poll ${id} of ${stream} was closed ${more.length + 1} times`);
    if (at !== null && !end && !deleted.has(id) && !gone.has(stream)) wrong.push(`poll ${id} was to close at ${at}`);
    // Who closes one asks for it.
    if (end && end.request_id === undefined && (at === null || end.ms < Date.parse(at)))
      wrong.push(`poll ${id} for ${at} was closed early, as ${end.id}`);
  }
  return wrong;
}

function by(events: readonly Told[], field: string): Map<string, Told[]> {
  const found = new Map<string, Told[]>();
  for (const event of events) {
    const key = event.data[field]!;
    found.set(key, [...(found.get(key) ?? []), event]);
  }
  return found;
}

/**
 * Compares what clients say (ledgers) with what is true (the logs). Pure: takes lines and events, gives counts and first examples.
 *
 *   lost       acked, and not in the log under the event that the ack named
 *   duplicate  a message id or a deed's request twice in the logs, two acks that name different events, or an event twice to one reader
 *   reordered  a reader got an event after a later one
 *   gap        a reader, or a log itself, goes on without an event in between; or a reader stopped short of the log's end
 *   invented   seen, and not in the log; or in the log, and never sent so; or refused for good, and done
 *   divergent  two readers have different events at one place, or other bytes than the log; but for the words of a deleted message, which
 *              who comes late is not told, and for a mark's placeholder where there was a block
 *
 * What a reader saw before a `reset` may be gone from the log: being told so is the promise.
 */
import type { Line } from './ledger.ts';

export const FAULTS = ['lost', 'duplicate', 'reordered', 'gap', 'invented', 'divergent'] as const;
export type Fault = (typeof FAULTS)[number];

export interface LoggedEvent {
  readonly id: string;
  readonly seq: number;
  readonly digest: string;
  /** Digest of what is told to who comes after the message was deleted; undefined where none was. */
  readonly toldLate?: string | undefined;
  /** Digest of what stands in its place for somebody between whom and the actor there is a block; undefined where there never was one. */
  readonly withheld?: string | undefined;
  /** Of a sent message. */
  readonly message?: string | undefined;
  readonly content?: string | undefined;
  /** The client's own id of the request. */
  readonly request?: string | undefined;
}

/** A stream's id, and its events as XRANGE gives them. */
export type Logs = ReadonlyMap<string, readonly LoggedEvent[]>;

export interface Report {
  readonly counts: Readonly<Record<'sent' | 'acked' | 'failed' | 'deeds' | 'seen' | 'resets' | 'events', number>>;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly examples: readonly string[];
}

interface Sent {
  readonly conversation: string;
  readonly content: string;
  acked?: string;
  refused?: string;
}

/** What was asked for under a request id. */
interface Deed {
  readonly deed: string;
  readonly conversation: string;
  done?: string;
  refused?: string;
}

/** One reader on one stream, since it began or was reset. What it saw as the log has it is only counted: runs are long. */
interface Following {
  readonly reader: string;
  readonly conversation: string;
  readonly start: number;
  seq: number;
  readonly skipped: Set<number>;
  /** Seq → what was seen that is not as the log has it. */
  readonly odd: Map<number, { event: string; digest: string }>;
}

const MAX_EXAMPLES = 3;
/** After these nobody promised that the command was not done. */
const IN_DOUBT = new Set(['unknown_outcome', 'no_answer']);

export class Checker {
  private readonly logs: Logs;
  private readonly bySeq: ReadonlyMap<string, ReadonlyMap<number, LoggedEvent>>;
  private readonly sent = new Map<string, Sent>();
  private readonly deeds = new Map<string, Deed>();
  private readonly following = new Map<string, Following>();
  private readonly counts = { sent: 0, acked: 0, failed: 0, deeds: 0, seen: 0, resets: 0, events: 0 };
  private readonly faults: Record<Fault, number>;
  private readonly examples: string[] = [];

  constructor(logs: Logs) {
    this.logs = logs;
    this.bySeq = new Map([...logs].map(([stream, events]) => [stream, new Map(events.map((e) => [e.seq, e]))]));
    this.faults = { lost: 0, duplicate: 0, reordered: 0, gap: 0, invented: 0, divergent: 0 };
  }

  /** Lines of one client must come in their order; clients may come in any. */
  take(line: Line): void {
    if (line.line === 'sent') {
      this.counts.sent += 1;
      this.sent.set(line.message, { conversation: line.conversation, content: line.content });
    } else if (line.line === 'acked') this.acked(line);
    else if (line.line === 'failed') {
      this.counts.failed += 1;
      const sent = this.sent.get(line.message);
      if (sent && !IN_DOUBT.has(line.code)) sent.refused = line.code;
    } else if (line.line === 'did') {
      this.counts.deeds += 1;
      this.deeds.set(line.request, { deed: line.deed, conversation: line.conversation });
    } else if (line.line === 'done' || line.line === 'undone') this.ended(line);
    else if (line.line === 'seen') this.seen(line);
    else {
      if (line.line === 'reset') this.counts.resets += 1;
      const after = line.line === 'reset' ? line.last : line.after;
      this.following.set(`${line.reader} ${line.conversation}`, begin(line.reader, line.conversation, seqOf(after)));
    }
  }

  /** `complete`: every reader had the time to reach the end of every stream that it began. */
  report(complete: boolean): Report {
    this.checkLogs();
    this.checkSeen(complete);
    return { counts: this.counts, faults: this.faults, examples: this.examples };
  }

  private acked({ client, message, event }: Extract<Line, { line: 'acked' }>): void {
    this.counts.acked += 1;
    const sent = this.sent.get(message);
    if (!sent) return this.found('invented', `${client} has an ack for ${message}, which it did not send`);
    if (sent.acked !== undefined && sent.acked !== event)
      this.found('duplicate', `${message} was acknowledged as ${sent.acked} and as ${event}`);
    sent.acked = event;
  }

  private ended(line: Extract<Line, { line: 'done' | 'undone' }>): void {
    const deed = this.deeds.get(line.request);
    if (!deed)
      return this.found('invented', `${line.client} has an answer to ${line.request}, which it did not ask for`);
    if (line.line === 'undone') {
      if (!IN_DOUBT.has(line.code)) deed.refused = line.code;
    } else if (line.event !== '') deed.done = line.event;
  }

  private seen({ reader, conversation, event, seq, digest }: Extract<Line, { line: 'seen' }>): void {
    this.counts.seen += 1;
    const key = `${reader} ${conversation}`;
    const at = this.following.get(key) ?? begin(reader, conversation, seq - 1);
    this.following.set(key, at);
    const logged = this.bySeq.get(conversation)?.get(seq);
    const asLogged = logged?.id === event && [logged.digest, logged.toldLate, logged.withheld].includes(digest);
    if (seq <= at.seq) {
      const before = at.odd.get(seq)?.event ?? (seq > at.start && !at.skipped.has(seq) ? logged?.id : undefined);
      const fault = before === event ? 'duplicate' : 'reordered';
      return this.found(fault, `${reader} got ${event} of ${conversation} after seq ${at.seq}`);
    }
    if (seq > at.seq + 1) this.found('gap', `${reader} got seq ${seq} of ${conversation} right after ${at.seq}`);
    for (let skipped = at.seq + 1; skipped < seq; skipped += 1) at.skipped.add(skipped);
    at.seq = seq;
    if (!asLogged) at.odd.set(seq, { event, digest });
  }

  private checkLogs(): void {
    const placed = new Map<string, string>();
    const did = new Map<string, string>();
    for (const [stream, events] of this.logs) {
      this.counts.events += events.length;
      let before = 0;
      for (const { id, seq, message, content, request } of events) {
        if (seq !== before + 1) this.found('gap', `the log of ${stream} has seq ${seq} right after ${before}`);
        before = seq;
        const deed = request === undefined ? undefined : this.deeds.get(request);
        if (deed) this.checkDeed(deed, `${stream} ${id}`, request!, did);
        if (message === undefined) continue;
        if (placed.has(message)) this.found('duplicate', `${message} is ${placed.get(message)} and ${id} of ${stream}`);
        placed.set(message, id);
        const sent = this.sent.get(message);
        if (!sent || sent.conversation !== stream || sent.content !== content)
          this.found('invented', `${id} of ${stream} is a message ${message} that nobody sent so`);
        else if (sent.refused !== undefined)
          this.found('invented', `${message} was refused (${sent.refused}) and is ${id} of ${stream}`);
      }
    }
    for (const [request, { deed, done, conversation }] of this.deeds) {
      if (done !== undefined && did.get(request) !== `${conversation} ${done}`)
        this.found('lost', `${deed} was acknowledged as ${done} of ${conversation}; the log has ${did.get(request)}`);
    }
    for (const [message, { acked, conversation }] of this.sent) {
      if (acked !== undefined && placed.get(message) !== acked)
        this.found(
          'lost',
          `${message} was acknowledged as ${acked} of ${conversation}; the log has ${placed.get(message)}`,
        );
    }
  }

  private checkDeed({ deed, refused }: Deed, place: string, request: string, did: Map<string, string>): void {
    if (did.has(request)) this.found('duplicate', `one ${deed} is ${did.get(request)} and ${place}`);
    did.set(request, place);
    if (refused !== undefined) this.found('invented', `a ${deed} was refused (${refused}) and is ${place}`);
  }

  private checkSeen(complete: boolean): void {
    const told = new Map<string, string>();
    for (const at of this.following.values()) {
      const { reader, conversation, odd } = at;
      for (const [seq, { event, digest }] of odd) {
        const logged = this.bySeq.get(conversation)?.get(seq);
        if (logged?.id !== event)
          this.found('invented', `${reader} saw ${event} of ${conversation}, the log has ${logged?.id}`);
        const asLogged = logged && this.someoneSaw(conversation, seq) ? `${logged.id} ${logged.digest}` : undefined;
        const place = `${conversation} ${seq}`;
        const other = asLogged ?? told.get(place);
        const own = `${event} ${digest}`;
        told.set(place, own);
        if (logged?.id === event) this.found('divergent', `${reader} saw other bytes of ${event} than the log has`);
        else if (other !== undefined && other !== own)
          this.found('divergent', `${reader} has ${own} at ${place}, another has ${other}`);
      }
      const end = this.logs.get(conversation)?.at(-1)?.seq ?? 0;
      if (complete && at.seq < end)
        this.found('gap', `${reader} stopped at seq ${at.seq} of ${conversation}, which has ${end}`);
    }
  }

  /** Another reader has the log's event at this place. */
  private someoneSaw(conversation: string, seq: number): boolean {
    return [...this.following.values()].some(
      (f) => f.conversation === conversation && f.start < seq && seq <= f.seq && !f.odd.has(seq) && !f.skipped.has(seq),
    );
  }

  private found(fault: Fault, example: string): void {
    this.faults[fault] += 1;
    if (this.faults[fault] <= MAX_EXAMPLES) this.examples.push(`${fault}: ${example}`);
  }
}

const begin = (reader: string, conversation: string, start: number): Following => ({
  reader,
  conversation,
  start,
  seq: start,
  skipped: new Set(),
  odd: new Map(),
});

export const seqOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));

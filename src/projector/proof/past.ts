/** The log of one stream, read once for all that is folded from it, and on where more is asked for. Recomputes the chain on its way. */
import { createHash } from 'node:crypto';
import { parseEventId, rawEvent, START } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import type { WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';
import { Unprovable } from './keys.ts';

export class Past {
  readonly stream: StreamRef;
  /** The first entry whose digest or chain does not hold. */
  broken: WrongKey | undefined;
  private readonly log: Log;
  private readonly events: RawEvent[] = [];
  /** The chain's hash at each event. */
  private readonly links: string[] = [];
  private chain: string;
  private last = START;

  constructor(log: Log, stream: StreamRef) {
    this.log = log;
    this.stream = stream;
    this.chain = log.keys.of(stream, 'log');
  }

  /** Every event up to this id. Throws `Unprovable` where the log does not have it. */
  async upTo(id: string): Promise<readonly RawEvent[]> {
    return this.events.slice(0, (await this.indexOf(id)) + 1);
  }

  /** The chain's hash at this event. */
  async linkAt(id: string): Promise<string> {
    return this.links[await this.indexOf(id)] ?? '';
  }

  async whole(): Promise<readonly RawEvent[]> {
    for await (const page of this.log.entries.proofs(this.stream, this.last)) {
      for (const { id, type, event, proof } of page) {
        this.last = id;
        const [salt, digest = '', link = ''] = proof.split(' ');
        this.check(id, sha1(salt + event) === digest, 'the event is not the one that was appended');
        this.chain = sha1(`${this.chain} ${id} ${type} ${digest}`);
        this.check(id, this.chain === link, 'the chain breaks here');
        const raw = rawEvent(type, Buffer.from(event));
        if (raw?.id === id) {
          this.events.push(raw);
          this.links.push(link);
        } else this.check(id, false, 'this entry is no event of ours');
      }
    }
    return this.events;
  }

  private check(id: string, holds: boolean, reason: string): void {
    if (!holds) this.broken ??= { key: this.log.keys.of(this.stream, 'log'), event_id: id, reason };
  }

  private async indexOf(id: string): Promise<number> {
    if (id === START || id === '') return -1;
    const seq = parseEventId(id)?.seq ?? 0;
    const find = () => this.events.findLastIndex((event) => event.seq <= seq);
    if (this.events[find()]?.id !== id) await this.whole();
    const at = find();
    if (this.events[at]?.id === id) return at;
    throw new Unprovable(id, `stands at the event ${id}, which the log does not have`);
  }
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

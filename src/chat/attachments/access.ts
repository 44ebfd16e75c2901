/** Attachments as somebody may see them: who uploaded one, and who is in a conversation where a message carries it. */
import { fail } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Owner } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { allStandings } from '../access.ts';
import { parseMessageFacts } from '../message-facts.ts';
import type { MessagePlace } from '../services.ts';
import { filesOf } from './contract.ts';
import type { Uploaded } from './contract.ts';
import { parseUpload, parseUse } from './guard.ts';

export interface Found {
  readonly ownerId: string;
  readonly uploaded: Uploaded;
}

const USES_AT_ONCE = 100;

/** Whether a set has an entry that begins so: ids are all of one length, so with one that ends in an id no other is meant. */
export async function hasEntry(log: Log, owner: Owner, name: string, entry: string): Promise<boolean> {
  return (await log.guardEntries(owner, name, { prefix: entry, after: '', limit: 1 })).length > 0;
}

export class AttachmentAccess {
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  /** The attachment, whoever asks. */
  async find(id: string): Promise<Found | undefined> {
    const ownerId = await this.ownerOf(id);
    const value = ownerId === undefined ? null : await this.log.guardField(userStream(ownerId), 'uploads', id);
    return value === null || ownerId === undefined ? undefined : { ownerId, uploaded: parseUpload(value).data };
  }

  /** Whether an attachment is there and has this content. */
  async holds(id: string, sha256: string): Promise<boolean> {
    const found = await this.find(id);
    return found !== undefined && filesOf(found.uploaded).some((file) => file.sha256 === sha256);
  }

  async ownerOf(id: string): Promise<string | undefined> {
    const prefix = `${id}\n`;
    const [entry] = await this.log.directoryPart(this.log.keys.partitionOf(id), 'attachments', {
      prefix,
      after: '',
      limit: 1,
    });
    return entry?.slice(prefix.length);
  }

  /** Throws `not_found`. */
  async seenBy(userId: string, id: string): Promise<Uploaded> {
    const found = await this.find(id);
    if (!found || (found.ownerId !== userId && !(await this.isCarriedTo(userId, id, found.ownerId))))
      throw fail('not_found', 'There is no such attachment');
    return found.uploaded;
  }

  /** The messages that carry it or are about to, so many at a time. */
  async *usesOf(ownerId: string, id: string): AsyncGenerator<ReturnType<typeof parseUse>[]> {
    for (let after = ''; ;) {
      const page = await this.log.guardEntries(userStream(ownerId), 'attached', {
        prefix: `${id} `,
        after,
        limit: USES_AT_ONCE,
      });
      if (page.length > 0) yield page.map(parseUse);
      if (page.length < USES_AT_ONCE) return;
      after = page.at(-1)!;
    }
  }

  /** Those of the messages that are there, in conversations that are. */
  async living<U extends MessagePlace>(uses: readonly U[]): Promise<U[]> {
    const streams = uses.map(({ conversationId }) => conversationStream(conversationId));
    const [heads, facts] = await Promise.all([
      this.log.heads(streams, ['deleted']),
      Promise.all(uses.map(({ messageId }, i) => this.log.guardField(streams[i]!, 'messages', messageId))),
    ]);
    return uses.filter((_, i) => {
      const message = parseMessageFacts(facts[i]!);
      return heads[i]?.deleted === '' && message !== undefined && !message.isDeleted;
    });
  }

  private async isCarriedTo(userId: string, id: string, ownerId: string): Promise<boolean> {
    for await (const uses of this.usesOf(ownerId, id)) {
      const standings = await allStandings(
        this.log,
        userId,
        uses.map(({ conversationId }) => conversationId),
      );
      const seen = uses.filter((_, i) => standings[i]?.member && !standings[i].isDeleted);
      if ((await this.living(seen)).length > 0) return true;
    }
    return false;
  }
}

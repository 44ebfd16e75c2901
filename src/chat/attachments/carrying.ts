/**
 * What binds attachments to the messages that carry them. A message lies in another slot than its files, so a file is claimed for the
 * message first, then the message is sent; whether it came is looked at later, and a message that goes lets go of its files. Whatever
 * crashes in between, no message is without its file, and no file stays without a message for longer than a day.
 */
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Deps, Timer } from '../feature.ts';
import type { Attachments } from '../services.ts';
import type { AttachmentAccess } from './access.ts';
import { attachedOf } from './contract.ts';
import { parseUpload, useText } from './guard.ts';
import { KEEP_UNUSED_MS } from './uploads.ts';

/** A send has long ended by then, one way or the other. */
const LOOK_AGAIN_MS = 600_000;

type Parts = Pick<Deps, 'log'> & { readonly access: AttachmentAccess };

export function carrying({ log, access }: Parts): Pick<Attachments, 'claim' | 'unclaim'> {
  const notThere = () => fail('not_found', 'There is no such attachment');

  /** Ids by the user who uploaded them. */
  async function byOwner(ids: readonly string[]): Promise<Map<string | undefined, string[]>> {
    const owners = await Promise.all(ids.map((id) => access.ownerOf(id)));
    const found = new Map<string | undefined, string[]>();
    for (const [i, id] of ids.entries()) found.set(owners[i], [...(found.get(owners[i]) ?? []), id]);
    return found;
  }

  return {
    async claim(userId, ids, use, from) {
      const owners = await byOwner(ids);
      if (owners.has(undefined)) throw notThere();
      const found = new Map<string, string>();
      for (const [owner = '', own] of owners) {
        const args = {
          actor: userId,
          owner,
          from: from ? useText(from) : '',
          use: useText(use),
          again_ms: String(LOOK_AGAIN_MS),
          ids: own,
        };
        const [, ...values] = await log.run('attachment.claim', userStream(owner), args);
        for (const [i, id] of own.entries()) found.set(id, String(values[i]));
      }
      return ids.map((id) => attachedOf(parseUpload(found.get(id)!).data));
    },
    async unclaim(ids, use) {
      for (const [owner, own] of await byOwner(ids)) {
        if (owner === undefined) continue;
        await log.run('attachment.unclaim', userStream(owner), { use: useText(use), ids: own });
      }
    },
  };
}

/** When an upload is to be looked at: whether the messages came that it was claimed for, and whether any carries it. */
export function settling({ log, access }: Parts): Timer {
  return {
    kind: 'attachment',
    async fire(attachment) {
      const actorId = await access.ownerOf(attachment);
      if (actorId === undefined) return;
      const stream = userStream(actorId);
      const words: string[] = [];
      for await (const uses of access.usesOf(actorId, attachment)) {
        const coming = uses.filter(({ isComing }) => isComing);
        const living = new Set(await access.living(coming));
        // What is planned has the id that its message will have.
        const ids = coming.map(({ messageId }) => messageId);
        const plans = await log.guardFields(stream, 'scheduled', ids);
        for (const [i, use] of coming.entries())
          words.push(useText(use), living.has(use) ? '+' : plans[i] === null ? '-' : '=');
      }
      await log.append({
        script: 'attachment.settle',
        stream,
        actorId,
        knowsRepeats: true,
        args: { attachment, keep_ms: String(KEEP_UNUSED_MS), uses_and_words: words },
      });
    },
  };
}

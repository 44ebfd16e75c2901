/**
 * How far all others in a conversation are, as one: the lowest marks, by which the status of every message is told without looking at any.
 * None where more than 200 are in, and none of somebody between whom and the sender there is a block.
 */
import { conversationStream } from '../../keys.ts';
import type { Deps } from '../feature.ts';
import type { Receipts } from '../services.ts';

interface LowestMarks {
  /** More than have a say in each other's statuses. */
  readonly areMany: boolean;
  /** Seqs up to which everything was delivered to all and read by all. */
  readonly delivered: number;
  readonly read: number;
}

type Parts = Pick<Deps, 'log' | 'blocks'>;

export async function lowestMarks(
  { log }: Pick<Deps, 'log'>,
  conversationId: string,
  except: readonly string[] = [],
): Promise<LowestMarks> {
  const [, size, delivered, read] = await log.run('member.marks', conversationStream(conversationId), { except });
  return { areMany: size === 'many', delivered: Number(delivered), read: Number(read) };
}

export function receiptsOf(parts: Parts): Receipts {
  return {
    async statuses(senderId, conversationId) {
      const [all, blocked] = await Promise.all([lowestMarks(parts, conversationId), parts.blocks.all(senderId)]);
      const isOfAll = all.areMany || blocked.size === 0;
      const { delivered, read } = isOfAll ? all : await lowestMarks(parts, conversationId, [...blocked]);
      return (seq) => (seq <= read ? 'read' : seq <= delivered ? 'delivered' : 'sent');
    },
  };
}

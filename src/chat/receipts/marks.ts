/**
 * How far all members of a conversation are, as one: the lowest marks, by which the status of every message is told without looking at
 * any. None where more than 200 are in.
 */
import { conversationStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';

export interface LowestMarks {
  /** More than have a say in each other's statuses. */
  readonly areMany: boolean;
  /** Seqs up to which everything was delivered to all and read by all. */
  readonly delivered: number;
  readonly read: number;
}

export async function marksOf(log: Log, conversationId: string): Promise<LowestMarks> {
  const [, size, delivered, read] = await log.run('member.marks', conversationStream(conversationId), {});
  return { areMany: size === 'many', delivered: Number(delivered), read: Number(read) };
}

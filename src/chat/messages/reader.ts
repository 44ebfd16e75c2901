/**
 * Messages as one reader gets them: the bytes that are stored, and on the reader's own one field more, how far the others are. Owns where
 * that is found in the bytes, so that no document is parsed for it. Says nothing of it back in time: marks are known as they stand now.
 */
import { isDerivedMessageId } from '../derived-id.ts';
import type { Reader, ReadStatus, Receipts } from '../services.ts';

const ID_AT = '{"id":"'.length;
const ID_LENGTH = 26;
/** Stands right behind the seq, and both before anything that a client wrote. */
const SENDER = Buffer.from(',"sender_id":"');
const STATUS: Readonly<Record<ReadStatus, Buffer>> = {
  sent: Buffer.from(',"read_status":"sent"}'),
  delivered: Buffer.from(',"read_status":"delivered"}'),
  read: Buffer.from(',"read_status":"read"}'),
};

/**
 * Each message in pieces: a page is joined once, not once for each. Marks are asked for once, and only where one is the reader's own, unless
 * they were `asked` for already.
 */
export async function piecesFor(
  receipts: Receipts,
  reader: Reader,
  stored: readonly Buffer[],
  asked?: ReturnType<Receipts['statuses']>,
): Promise<Buffer[][]> {
  const { readerId, conversationId, asOf } = reader;
  const own = Buffer.from(readerId);
  const seqs = asOf === undefined ? stored.map((json) => ownSeq(json, own)) : [];
  if (!seqs.some((seq) => seq !== undefined)) return stored.map((json) => [json]);
  const statusAt = await (asked ?? receipts.statuses(readerId, conversationId));
  return stored.map((json, i) => {
    const seq = seqs[i];
    return seq === undefined ? [json] : [json.subarray(0, -1), STATUS[statusAt(seq)]];
  });
}

/** The seq of a message that the reader wrote; undefined of any other, also of what the server says of the reader's doings. */
function ownSeq(json: Buffer, own: Buffer): number | undefined {
  const at = json.indexOf(SENDER);
  const from = at + SENDER.length;
  if (from + own.length > json.length || json.compare(own, 0, own.length, from, from + own.length) !== 0)
    return undefined;
  if (isDerivedMessageId(json.toString('latin1', ID_AT, ID_AT + ID_LENGTH))) return undefined;
  return Number(json.toString('latin1', json.lastIndexOf(':', at) + 1, at));
}

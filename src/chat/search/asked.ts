/** What a search asks for, checked and in the terms of what can be looked for; and whether a message is what was asked for. Pure. */
import type { Static } from 'typebox';
import { invalid, parseTime } from '../../envelope.ts';
import type { EventId } from '../../envelope.ts';
import type { Message } from '../messages/contract.ts';
import { badCursor, decodeCursor, encodeCursor } from '../paging.ts';
import type { SearchMessages } from './contract.ts';
import { needleOf } from './needle.ts';
import { ATTACHED, hasLink, LINKED, ofType, sentBy } from './terms.ts';
import type { Position } from './walk.ts';
import type { Range } from './words.ts';

export interface Asked {
  /** As views of terms are asked. */
  readonly wanted: readonly string[];
  /** Milliseconds: not before `since`, and before `before`. */
  readonly since: number;
  readonly before: number;
  /** Where the page before ended. */
  readonly after: Position | undefined;
  /** Where in the message the words are; undefined where it is not what was asked for. */
  hitsIn(message: Message): Range[] | undefined;
}

/** Throws `validation_failed` for a time or a cursor that is none, and where nothing is said of what must be there. */
export function askedFor(data: Static<typeof SearchMessages>, segmenter: Intl.Segmenter): Asked {
  const { q = '', from, type, has, cursor } = data;
  const needle = needleOf(q, segmenter);
  const filters = [
    ...(from === undefined ? [] : [`=${sentBy(from)}`]),
    ...(type === undefined ? [] : [`=${ofType(type)}`]),
    ...(has === undefined ? [] : [`=${has === 'link' ? LINKED : ATTACHED}`]),
  ];
  const wanted = [...needle.wanted, ...filters];
  if (wanted.length === 0)
    throw invalid([
      { pointer: '/query/q', message: 'must have a word, or from, type or has must say what to look for' },
    ]);
  const after = cursor === undefined ? undefined : positionIn(cursor);
  return {
    wanted,
    since: (timeOf('after', data) ?? -1) + 1,
    before: timeOf('before', data) ?? Infinity,
    after,
    hitsIn(message) {
      const { is_deleted, message_type, sender_id, attachments, content } = message;
      if (is_deleted || message_type === 'system') return undefined;
      if (from !== undefined && sender_id !== from) return undefined;
      if (type !== undefined && message_type !== type) return undefined;
      if (has === 'attachment' && attachments.length === 0) return undefined;
      if (has === 'link' && !hasLink(content)) return undefined;
      return needle.rangesIn(content);
    },
  };
}

function timeOf(field: 'before' | 'after', data: Static<typeof SearchMessages>): number | undefined {
  const text = data[field];
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms === undefined) throw invalid([{ pointer: `/query/${field}`, message: 'must be an RFC 3339 time' }]);
  return ms;
}

export const cursorAt = ({ ms, conversationId, seq }: Position): string => encodeCursor([ms, conversationId, seq]);

function positionIn(cursor: string): Position {
  const [ms, conversationId, seq] = decodeCursor(cursor, [0, '', 0] as [number, string, number]);
  if (![ms, seq].every(Number.isSafeInteger)) throw badCursor();
  return { ms, conversationId, seq };
}

/** What of one conversation lies behind a place: below a seq, and before a millisecond. */
export function behind(after: Position | undefined, conversationId: string): { below?: number; before: number } {
  if (!after) return { before: Infinity };
  if (conversationId === after.conversationId) return { below: after.seq, before: after.ms + 1 };
  return { before: conversationId < after.conversationId ? after.ms + 1 : after.ms };
}

/** Whether a message lies within what was asked for. */
export const isWithin = (
  { ms, seq }: EventId,
  range: { least: number; below: number; since: number; before: number },
) => seq >= range.least && seq < range.below && ms >= range.since && ms < range.before;

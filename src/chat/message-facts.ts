/**
 * What the append scripts know of each message, without its text: the values of the guard hash `messages`, which `lua/lib/messages.lua`
 * writes. Pure.
 */
export interface MessageFacts {
  /** Id of the event that sent it. */
  readonly eventId: string;
  readonly senderId: string;
  /** How many messages there were with it. */
  readonly number: number;
  readonly revision: number;
  /** The message that began its thread; undefined where it stands in none, as the beginning itself does. */
  readonly threadId: string | undefined;
  readonly isDeleted: boolean;
}

/** Undefined for a message that is not there; the server's own messages are none of these. */
export function parseMessageFacts(value: string | null): MessageFacts | undefined {
  if (!value) return undefined;
  const [eventId, senderId, number, revision, thread, state] = value.split(' ');
  return {
    eventId: eventId!,
    senderId: senderId!,
    number: Number(number),
    revision: Number(revision),
    threadId: thread === '-' ? undefined : thread!,
    isDeleted: state === 'deleted',
  };
}

/** The facts as the scripts keep them. */
export function messageFactsText({ eventId, senderId, number, revision, threadId, isDeleted }: MessageFacts): string {
  return [eventId, senderId, number, revision, threadId ?? '-', isDeleted ? 'deleted' : '-'].join(' ');
}

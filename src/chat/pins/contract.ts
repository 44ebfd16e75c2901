/** Pins: the events, and what a client sends. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const data = Type.Object({ message_id: Id });

export const MessagePinned = event({ type: 'message.pinned', version: 1, data });
export const MessageUnpinned = event({ type: 'message.unpinned', version: 1, data });

export const PinTarget = Type.Object({ conversation_id: Id, message_id: Id }, { additionalProperties: false });

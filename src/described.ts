/** What the documents are made from: the tables of the product and of the gateway, as one. */
import type { DescribedSocket } from './api/documents/asyncapi.ts';
import type { Described } from './api/documents/openapi.ts';
import { events, signals } from './chat/index.ts';
import type { Chat } from './chat/index.ts';
import { areas, isOfUser, ready, schemas } from './chat/vocabulary.ts';
import { commandFields } from './envelope.ts';
import { ackFrame, ErrorFrame, serverFrames, sessionCommands, Written } from './gateway/contract.ts';

export const describedBy = ({ commands, queries }: Chat['door']): Described & DescribedSocket => ({
  commands,
  queries,
  areas,
  schemas,
  events,
  signals,
  isOfUser,
  sessionCommands,
  serverFrames: serverFrames(ready),
  errorFrame: ErrorFrame,
  ackFrame,
  written: Written,
  commandFrame: commandFields,
});

/** Messages: the feature's parts put together. */
import { projection } from '../feature.ts';
import type { Feature } from '../feature.ts';
import { changingCommands } from './changing.ts';
import { MessageDeleted, MessageEdited, MessageSent } from './contract.ts';
import { erasing } from './erasing.ts';
import { messageGuards } from './guard.ts';
import { history } from './history.ts';
import { revisionsQuery } from './revisions.ts';
import { sendMessage } from './sending.ts';
import { messageQueries } from './view.ts';

export const messages: Feature = {
  events: [MessageSent, MessageEdited, MessageDeleted],
  projections: [projection(history)],
  guards: messageGuards,
  serve: (deps) => ({
    commands: [sendMessage(deps), ...changingCommands(deps)],
    queries: [...messageQueries(deps), revisionsQuery(deps)],
    timers: [erasing(deps)],
  }),
};

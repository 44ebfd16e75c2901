/** What folds logs into views here as in a server. */
import { events, projections } from '../../src/chat/index.ts';
import { eventDecoder } from '../../src/log/decoder.ts';
import type { Log } from '../../src/log/log.ts';
import type { FoldOptions } from '../../src/projector/fold.ts';
import { Views } from '../../src/views/store.ts';

export const foldOptions = (log: Log): FoldOptions => ({
  log,
  views: new Views(log),
  projections,
  decode: eventDecoder(events),
});

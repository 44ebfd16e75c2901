/** Every story, in the order in which they are told. */
import type { Story } from '../story.ts';
import { clockJumps, diskFull, memoryFull, scriptFlush } from './adversity.ts';
import { clients } from './clients.ts';
import { primaryKilled, slotMoved } from './cluster.ts';
import { firing } from './firing.ts';
import { freshReads } from './fresh-reads.ts';
import { kills } from './kills.ts';
import { failover, flushed, restored } from './lost-state.ts';
import { life } from './life.ts';
import { manyTries } from './many-tries.ts';
import { poison } from './poison.ts';
import { powerCut } from './power-cut.ts';
import { readModels, stalledWorker } from './read-models.ts';
import { cutSockets, readersAgree } from './readers.ts';

export const stories: readonly Story[] = [
  kills,
  life,
  firing,
  manyTries,
  readersAgree,
  cutSockets,
  clients,
  readModels,
  stalledWorker,
  freshReads,
  poison,
  restored,
  failover,
  flushed,
  scriptFlush,
  clockJumps,
  memoryFull,
  diskFull,
  primaryKilled,
  slotMoved,
  powerCut,
];

/**
 * What of a conversation leaves Redis, and in which order: entries of its log, then the facts of the messages in them, then their documents.
 * Each step is done whole or not at all, and what follows from it is found again by whoever comes next.
 */
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { sealFacts } from '../log/archive/sealing-rows.ts';
import { sealNext } from '../log/archive/sealing.ts';
import type { Sealed, SealOptions } from '../log/archive/sealing.ts';
import { sealDocuments } from '../views/archiving.ts';
import type { Projection } from '../views/projection.ts';
import type { Views } from '../views/store.ts';

export interface ArchivingOptions extends SealOptions {
  readonly views: Views;
  readonly projections: readonly Projection[];
  /** The message that an event sent. */
  readonly messageIdOf: (event: RawEvent) => string | undefined;
}

/** Brings a conversation to the archive step by step, as far as it goes now. */
export async function* archive(options: ArchivingOptions, stream: StreamRef): AsyncGenerator<Sealed> {
  yield* all(() => sealNext(options, stream));
  yield* all(() => sealFacts(options, stream));
  for (const projection of options.projections) {
    if (projection.leaves && projection.source === stream.kind)
      yield* all(() => sealDocuments({ ...options, projection }, stream));
  }
}

/** What is always changed just then waits for the next round. */
const TRIES = 10;

async function* all(step: () => Promise<Sealed | undefined>): AsyncGenerator<Sealed> {
  for (let tries = 0; tries < TRIES;) {
    const sealed = await step();
    if (!sealed) return;
    tries = sealed.isMoved ? tries + 1 : 0;
    yield sealed;
  }
}

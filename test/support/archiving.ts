/** Parts of logs on disk, for suites: a folder of their own, and how the old end of a log is brought there. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { projections } from '../../src/chat/index.ts';
import { messageIdOf } from '../../src/chat/messages/guard.ts';
import { DiskStore } from '../../src/files/disk-store.ts';
import { WholeFiles } from '../../src/files/whole-files.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { SegmentFiles } from '../../src/log/archive/archive.ts';
import { sealNext } from '../../src/log/archive/sealing.ts';
import type { SealOptions, SegmentSizes } from '../../src/log/archive/sealing.ts';
import type { Log } from '../../src/log/log.ts';
import { archive } from '../../src/projector/archiving.ts';
import { Views } from '../../src/views/store.ts';
import { tempDir } from '../../src/redis/redis-server.ts';

export interface ArchiveFolder extends SegmentFiles {
  readonly folder: string;
  /** The data folder of which it is the archive. */
  readonly dataDir: string;
}

export const wholeFiles = (folder: string): WholeFiles =>
  new WholeFiles(new DiskStore(folder), join(folder, 'incoming'));

/** A folder for each test of a suite. */
export function useArchiveFolder(): ArchiveFolder {
  let dataDir = '';
  const at = () => join(dataDir, 'archive');
  beforeEach(async () => {
    dataDir = await tempDir();
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));
  return {
    get folder() {
      return at();
    },
    get dataDir() {
      return dataDir;
    },
    put: (content) => wholeFiles(at()).put(content),
    read: (name) => wholeFiles(at()).read(name),
  };
}

export const sizes = (most: number): SegmentSizes => ({ most, least: 1, bytes: 1_000_000 });

/** Seals all of a log but its last event, in segments of `most`; answers how many events went. */
export async function sealAll(
  log: Log,
  files: SegmentFiles,
  stream: StreamRef,
  { most = 10, ...more }: Partial<SealOptions> & { most?: number } = {},
): Promise<number> {
  const options = { log, files, before: Infinity, sizes: sizes(most), ...more };
  for (let events = 0; ;) {
    const sealed = await sealNext(options, stream);
    if (!sealed) return events;
    events += sealed.events;
  }
}

/** Brings all of a conversation to the archive but its last event: entries, facts of messages and documents. */
export async function archiveAll(log: Log, files: SegmentFiles, stream: StreamRef, most = 10): Promise<void> {
  const views = new Views(log);
  await views.refresh();
  const options = { log, files, views, projections, messageIdOf, before: Infinity, sizes: sizes(most) };
  for await (const _ of archive(options, stream));
}

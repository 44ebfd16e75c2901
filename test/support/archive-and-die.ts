/** A process that seals a log and is ended without warning at one step of it, as by a power cut. Says nothing and cleans up nothing. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DiskStore } from '../../src/files/disk-store.ts';
import { WholeFiles } from '../../src/files/whole-files.ts';
import { conversationStream } from '../../src/keys.ts';
import { sealNext } from '../../src/log/archive/sealing.ts';
import { Log } from '../../src/log/log.ts';
import { sizes } from './archiving.ts';

const [url = '', folder = '', conversation = '', at = ''] = process.argv.slice(2);

/** Does the work and dies at the step before it, in the middle or after it. */
function dying<A extends unknown[], R>(step: string, work: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    if (at === `before ${step}`) process.kill(process.pid, 'SIGKILL');
    const result = await work(...args);
    if (at === `after ${step}`) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

class DyingStore extends DiskStore {
  override put = dying('moving', super.put.bind(this));
}

const disk = new WholeFiles(new DyingStore(folder), join(folder, 'incoming'));
const files = { put: dying('writing', disk.put.bind(disk)), read: dying('reading back', disk.read.bind(disk)) };
const newSalt = () => randomBytes(8).toString('hex');
const log = await Log.open({
  redis: { url },
  partitions: 4,
  replicationAcks: 0,
  newSalt,
  warn: () => {},
  archive: files,
});
log.run = dying('trimming', log.run.bind(log));
const options = { log, files, before: Infinity, sizes: sizes(10) };
while (await sealNext(options, conversationStream(conversation)));
log.close();

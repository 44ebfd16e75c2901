/** A projector alone as a process, with a lease and a batch size of the story's, to be stopped, continued and killed. */
import { GATHER_MS } from '../../src/projector/projector.ts';
import { ReadModels } from './read-models.ts';

const { REDIS_URL = '', PARTITIONS = '8', WORKER = 'worker', LEASE_MS = '1000', BATCH = '16' } = process.env;
const models = await ReadModels.open(REDIS_URL, Number(PARTITIONS));
const projector = models.projector({
  worker: `${WORKER}-${process.pid}`,
  batchSize: Number(BATCH),
  leaseMs: Number(LEASE_MS),
  gatherMs: GATHER_MS,
  warn: (message, fields) => console.log(message, JSON.stringify(fields ?? {})),
});
await projector.start();
console.log('ready');
process.on('SIGTERM', () => {
  projector.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

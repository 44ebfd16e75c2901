/** The machine on which the command runs: Node.js, and how long its disk takes to keep something. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../../src/version.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

const SYNCS = 20;
const SLOW_MS = 10;
const BYTES = 512;

export function checkPlatform(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < 20 || (major === 20 && minor < 19);
  return finding('versions', `Rill ${VERSION}, Node.js ${process.versions.node}`, [
    isOld && { state: 'problem', advice: 'Node.js 20.19 or newer is needed' },
  ]);
}

/** The median of some small writes that are each synced: what an acknowledgement waits for with `appendfsync always`. */
export async function checkDisk(dataDir: string): Promise<Finding> {
  const [folder, where] = await mkdtemp(join(dataDir, '.doctor-')).then(
    (made) => [made, dataDir] as const,
    async () => [await mkdtemp(join(tmpdir(), 'doctor-')), tmpdir()] as const,
  );
  try {
    const file = await open(join(folder, 'file'), 'w');
    const times: number[] = [];
    for (let i = 0; i < SYNCS; i += 1) {
      const began = performance.now();
      await file.write(Buffer.alloc(BYTES, i));
      await file.datasync();
      times.push(performance.now() - began);
    }
    await file.close();
    const median = times.toSorted((a, b) => a - b)[SYNCS / 2]!;
    return finding('disk', `a synced write takes ${median.toFixed(2)} ms in ${where}`, [
      median > SLOW_MS && {
        state: 'warning',
        advice: `every acknowledgement waits for such a write: a disk of its own for Redis, or one with a battery, takes below 1 ms`,
      },
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

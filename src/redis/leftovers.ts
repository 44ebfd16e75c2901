/**
 * What must not be left behind by this process: children that are still alive are killed and temporary folders removed
 * when it ends, by itself, by an error or by a signal that nobody handles. (Not by SIGKILL.)
 */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Bound to the process and not to an owner, as an 'exit' hook is.
const leftovers = { processes: new Set<ChildProcess>(), folders: new Set<string>(), watched: false };

export function endWithUs(child: ChildProcess): void {
  leftovers.processes.add(child);
  child.once('exit', () => leftovers.processes.delete(child));
  sweepAtExit();
}

/** A folder that is removed when this process ends, at the latest. */
export async function tempDir(prefix = 'rill-'): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  leftovers.folders.add(dir);
  sweepAtExit();
  return dir;
}

export async function removeFolder(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  leftovers.folders.delete(dir);
}

function sweepAtExit(): void {
  if (leftovers.watched) return;
  leftovers.watched = true;
  const sweep = (): void => {
    for (const child of leftovers.processes) child.kill('SIGKILL');
    for (const dir of leftovers.folders) {
      try {
        rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
      } catch {
        // Somebody still writes there. An error thrown here would keep this process from ending.
      }
    }
  };
  process.on('exit', sweep);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A signal that nobody handles ends Node without 'exit'. Whoever does handle it exits in its own time.
    const onSignal = (): void => {
      if (process.listenerCount(signal) > 1) return;
      sweep();
      process.removeListener(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

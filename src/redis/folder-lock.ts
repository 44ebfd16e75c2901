/**
 * One process at a time for a folder. The lock is a file with the number of its process and what tells that process from
 * a later one with the same number, so a lock left by a killed process is taken over and never blocks by accident.
 * Refuses: to see over the wall of a container; redis-server.ts holds a lock of the kernel for that.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A living process has the folder. */
export class FolderInUse extends Error {}

/** Takes the folder for this process, or says who has it. */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, 'lock');
  const mine = `${process.pid} ${lifeOf(process.pid)}\n`;
  for (let unreadable = 0; ;) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
      return async () => {
        if ((await heldBy(path)) === mine) await rm(path, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const found = await heldBy(path);
    const [, pid, life] = /^(\d+) (.+)\n$/.exec(found) ?? [];
    if (pid !== undefined && lifeOf(Number(pid)) === life) {
      throw new FolderInUse(
        `The data folder ${dir} is in use by another server (process ${pid}). ` +
          'Stop that one first, or give this one a DATA_DIR of its own.',
      );
    }
    // Somebody may be between creating the lock and writing into it.
    if (pid === undefined && ++unreadable < 10) await sleep(50);
    else if ((await heldBy(path)) === found) await rm(path, { force: true });
  }
}

/**
 * What tells a living process from a later one with the same number: its boot and its start. Nothing for a process that
 * is gone, or dead and only not yet collected by its parent (in a container often nobody does).
 */
export function lifeOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    }
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in brackets and may hold anything; state is the first field after it, the start the twentieth.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

async function heldBy(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

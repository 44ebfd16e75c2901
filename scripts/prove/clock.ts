/** A redis-server whose clock a story can set: the small library of `clock.c`, compiled where there is a compiler. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { World } from './world.ts';

const SOURCE = fileURLToPath(new URL('clock.c', import.meta.url));

export interface FakeClock {
  /** The program to start Redis by. */
  readonly binary: string;
  readonly set: (offsetMs: number) => void;
}

/** Undefined where nothing is there to compile the library. */
export function fakeClock(world: World): FakeClock | undefined {
  const [file, library, binary] = ['clock', 'clock.so', 'redis-server'].map((name) => join(world.folder, name));
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library!, SOURCE], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const set = (offsetMs: number) => writeFileSync(file!, `${offsetMs / 1_000}\n`.padEnd(16));
  set(0);
  const server = process.env['REDIS_SERVER'] ?? 'redis-server';
  const environment = `LD_PRELOAD=${library} CLOCK_OFFSET_FILE=${file}`;
  writeFileSync(binary!, `#!/bin/sh\nexec env ${environment} ${server} "$@"\n`, { mode: 0o755 });
  return { binary: binary!, set };
}

/** Scripts of a suite's own, which use the product's libraries as a feature's scripts do. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Log } from '../../src/log/log.ts';
import { loadScripts } from '../../src/log/scripts.ts';
import type { Script } from '../../src/log/scripts.ts';
import { tempDir } from '../../src/redis/redis-server.ts';

export interface OwnScript {
  readonly keys: string;
  readonly args: string;
  readonly include: string;
  readonly body: string;
}

/** Puts the scripts among a log's, by name. */
export async function addScripts(log: Log, scripts: Readonly<Record<string, OwnScript>>): Promise<void> {
  const folder = await tempDir();
  mkdirSync(join(folder, 'lib'));
  for (const [name, { keys, args, include, body }] of Object.entries(scripts)) {
    for (const library of include.split(' ')) {
      const lua = fileURLToPath(new URL(`../../lua/lib/${library}.lua`, import.meta.url));
      const own = join(folder, 'lib', `${library}.lua`);
      try {
        symlinkSync(lua, own);
      } catch {
        continue; // another of the scripts uses it too
      }
    }
    const header = [`${name}   of a test`, `KEYS ${keys}`, `ARGV ${args}`, 'FAIL -', 'EMITS -', `INCLUDE ${include}`];
    writeFileSync(join(folder, `${name}.lua`), `${header.map((line) => `-- ${line}`).join('\n')}\n\n${body}\n`);
  }
  for (const [name, script] of loadScripts(pathToFileURL(`${folder}/`), log.connection.publishCommand))
    (log.scripts as Map<string, Script>).set(name, script);
}

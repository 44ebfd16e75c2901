// Builds the client library into dist/client: plain ES modules and their types. Pages are served from there, and the package exports it.
// Says nothing and is done in a moment when nothing has changed.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, ROOT, run } from './shell.mjs';

const SOURCES = ['src/client', 'tsconfig.json', 'tsconfig.library.json', 'package-lock.json'];

export function buildLibrary() {
  const built = join(ROOT, 'dist/client');
  const stamp = join(built, '.built');
  const now = fingerprint(SOURCES);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  rmSync(built, { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.library.json'];
  run(process.execPath, compiler, 'The client library could not be built.');
  // The compiler takes what is types alone for something that is there already.
  cpSync(join(ROOT, 'src/client/protocol.d.ts'), join(built, 'protocol.d.ts'));
  writeFileSync(stamp, now);
}

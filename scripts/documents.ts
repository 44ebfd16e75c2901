/**
 * Writes `docs/openapi.json` and `docs/asyncapi.json`, which are what clients rely on, and the types of the client library that follow from
 * them. A test holds them against the contracts. Refuses to write what breaks clients, unless it is told so: `npm run documents -- --breaking`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { breakages } from './documents/breakages.ts';
import { clientTypes } from './documents/client-types.ts';
import { documents } from './documents/made.ts';

const made = documents();
const all = Object.entries(made);
const broken: string[] = [];
for (const [name, document] of all) {
  const file = new URL(`../docs/${name}`, import.meta.url);
  try {
    broken.push(
      ...breakages(JSON.parse(readFileSync(file, 'utf8')) as object, document).map((one) => `${name}: ${one}`),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
if (broken.length > 0 && !argv.includes('--breaking')) {
  console.error(`This breaks clients:\n  ${broken.join('\n  ')}\nIf it is meant: npm run documents -- --breaking`);
  exit(1);
}
for (const [name, document] of all)
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), `${JSON.stringify(document, undefined, 1)}\n`);
writeFileSync(new URL('../src/client/protocol.d.ts', import.meta.url), clientTypes(made));

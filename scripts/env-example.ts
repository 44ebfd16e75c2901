/** Writes `.env.example` and the README's table of settings from the one described table. A test holds both against it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { envExample, settingsTable } from '../src/config.ts';

const root = new URL('../', import.meta.url);
writeFileSync(new URL('.env.example', root), envExample());
const readme = new URL('README.md', root);
const text = readFileSync(readme, 'utf8');
writeFileSync(
  readme,
  text.replace(/<!-- settings -->[\s\S]*?<!-- \/settings -->/, () => settingsTable()),
);

/**
 * npm run prove -- [story] [--seed N] [--seeds K] [--minutes M] [--short]: tells the stories that try to break the promises, prints what
 * each counted and a table at the end. Ends with 1 when a promise did not hold.
 */
import { Command } from 'commander';
import { stories } from './prove/stories/index.ts';
import type { Outcome, Story } from './prove/story.ts';

interface Told {
  readonly story: Story;
  readonly seed: number;
  readonly outcome: Outcome;
  readonly seconds: number;
}

const program = new Command()
  .name('prove')
  .description('Stories over real processes that show whether the promises hold')
  .argument('[story]', `one of ${stories.map((story) => story.name).join(', ')}; all when absent`)
  .option('--seed <number>', 'what the random choices are drawn from', Number)
  .option('--seeds <number>', 'tell each story with so many seeds in a row', Number, 1)
  .option('--minutes <number>', 'how long a story without an end of its own goes on', Number)
  .option('--short', 'small numbers and few seconds')
  .action(main);

interface Options {
  seed?: number;
  seeds: number;
  minutes?: number;
  short?: boolean;
}

async function main(name: string | undefined, { seed, seeds, minutes, short = false }: Options): Promise<void> {
  const chosen = stories.filter((story) => name === undefined || story.name === name);
  if (chosen.length === 0)
    return program.error(`there is no story ${name}; there are ${stories.map((s) => s.name).join(', ')}`);
  const first = seed ?? Math.floor(Math.random() * 1_000_000);
  const told: Told[] = [];
  for (const story of chosen) {
    for (let i = 0; i < seeds; i += 1) {
      const started = Date.now();
      console.log(`\n${story.name}: ${story.about}\n  seed ${first + i}`);
      const say = (line: string) => console.log(`  ${line}`);
      const outcome = await story.run({ seed: first + i, short, minutes, say });
      const seconds = (Date.now() - started) / 1_000;
      told.push({ story, seed: first + i, outcome, seconds });
      for (const [what, count] of Object.entries(outcome.counts)) say(`${what} ${count}`);
      if (outcome.skipped !== undefined) say(`SKIPPED: ${outcome.skipped}`);
      for (const failure of outcome.failures) say(`FAILED: ${failure}`);
      say(`${verdictOf(outcome)} after ${seconds.toFixed(1)} s`);
    }
  }
  printTable(told);
  process.exit(told.some(({ outcome }) => outcome.failures.length > 0) ? 1 : 0);
}

const verdictOf = ({ failures, skipped }: Outcome): string =>
  failures.length > 0 ? 'FAILED' : skipped === undefined ? 'passed' : 'passed, parts SKIPPED';

const FAULT_COLUMNS = [
  'acked',
  'seen',
  'lost',
  'duplicate',
  'reordered',
  'gap',
  'invented',
  'divergent',
  'half-written',
];

function printTable(told: readonly Told[]): void {
  const header = ['story', 'seed', 'seconds', ...FAULT_COLUMNS, 'verdict'];
  const rows = told.map(({ story, seed, seconds, outcome }) => [
    story.name,
    String(seed),
    seconds.toFixed(1),
    ...FAULT_COLUMNS.map((column) => String(outcome.counts[column] ?? '·')),
    verdictOf(outcome),
  ]);
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i]!.length)));
  console.log('');
  for (const row of [header, ...rows]) console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
}

await program.parseAsync();

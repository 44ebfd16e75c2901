/**
 * Benchmarks: `npm run bench -- [case…] [--json FILE]`. Every case runs the product, its peer and its yardsticks in turn (A B C A B C), so
 * that a busy machine hurts all alike. What counts is the CPU of all server processes, Redis with them, and the ratio within one run.
 * Prints medians and min–max.
 */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Case, Measures, Side } from './bench/case.ts';
import { archivedCases } from './bench/archived.ts';
import { liveCases } from './bench/live.ts';
import { presentCases } from './bench/present.ts';
import { roomCases } from './bench/rooms.ts';
import { searchCases } from './bench/search.ts';
import { storedCases } from './bench/stored.ts';

interface Result {
  readonly case: string;
  readonly about: string;
  readonly sides: Record<string, Record<string, { median: number; min: number; max: number }>>;
}

const ROUNDS = 3;

async function measure({ name, about, sides }: Case): Promise<Result> {
  const open: [string, Side][] = [];
  const found = new Map<string, Measures[]>();
  try {
    for (const [side, start] of Object.entries(sides)) open.push([side, await start()]);
    for (const [, side] of open) await side.round(); // to warm up
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [label, side] of open) found.set(label, [...(found.get(label) ?? []), await side.round()]);
    }
  } finally {
    for (const [, side] of open) await side.stop();
  }
  const summed = [...found].map(([side, runs]) => [side, summary(runs)] as const);
  return { case: name, about, sides: Object.fromEntries(summed) };
}

function summary(runs: readonly Measures[]): Result['sides'][string] {
  return Object.fromEntries(
    // A command of Redis may have been too cheap for a line in some of the rounds.
    [...new Set(runs.flatMap((run) => Object.keys(run)))].map((unit) => {
      const values = runs.map((run) => run[unit] ?? 0).toSorted((a, b) => a - b);
      return [unit, { median: values[Math.floor(values.length / 2)]!, min: values[0]!, max: values.at(-1)! }];
    }),
  );
}

const round = (n: number): string =>
  n >= 1_000 ? Math.round(n).toLocaleString('en') : n >= 100 ? n.toFixed(0) : n.toPrecision(3);

function table({ case: name, about, sides }: Result): string {
  const lines = [`${name}: ${about}`];
  const own = sides['rill'] ?? {};
  for (const [side, units] of Object.entries(sides)) {
    for (const [unit, { median, min, max }] of Object.entries(units)) {
      const range = `${round(median).padStart(10)}  [${round(min)}–${round(max)}]`;
      const ratio =
        side !== 'rill' && own[unit] && median > 0 ? `  rill: ${(own[unit].median / median).toFixed(2)} ×` : '';
      lines.push(`  ${side.padEnd(10)} ${unit.padEnd(32)} ${range}${ratio}`);
    }
  }
  return lines.join('\n');
}

const cases = [...liveCases, ...presentCases, ...storedCases, ...archivedCases, ...searchCases, ...roomCases];
const program = new Command('bench')
  .argument('[cases...]', `any of ${cases.map((c) => c.name).join(', ')}`)
  .option('--json <file>', 'also write the results as JSON')
  .parse();
const wanted = program.args;
const results: Result[] = [];
for (const one of cases) {
  if (wanted.length > 0 && !wanted.includes(one.name)) continue;
  const result = await measure(one);
  results.push(result);
  process.stdout.write(`${table(result)}\n\n`);
}
const { json } = program.opts<{ json?: string }>();
if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

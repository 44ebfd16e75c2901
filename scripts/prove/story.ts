/**
 * What a story is, and what every story ends with: readers brought to the logs' ends, ledgers compared with the logs, the keys of every
 * partition audited. A story fails by what it finds, never by an exception alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Checker, FAULTS } from './checker.ts';
import type { Fault, Report } from './checker.ts';
import { Random } from './random.ts';
import type { Reader } from './reader.ts';
import { Truth } from './truth.ts';
import type { World } from './world.ts';
import type { Writer } from './writer.ts';

export interface StoryOptions {
  readonly seed: number;
  /** Small numbers and few seconds; every kind of trouble still comes at least once. */
  readonly short: boolean;
  /** How long a story that has no natural end goes on. */
  readonly minutes?: number | undefined;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly counts: Readonly<Record<string, number | string>>;
  /** What does not hold, as sentences; none: the story passed. */
  readonly failures: readonly string[];
  /** Why the story, or a part of it, could not be told here. */
  readonly skipped?: string | undefined;
}

export interface Story {
  readonly name: string;
  readonly about: string;
  /** How many seeds the tests try; one, when absent. */
  readonly shortSeeds?: number;
  run(options: StoryOptions): Promise<Outcome>;
}

/** What a story has found so far. */
export class Findings {
  readonly random: Random;
  readonly counts: Record<string, number | string> = {};
  readonly failures: string[] = [];
  skipped: string | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** The sentence is a failure unless the condition holds. */
  expect(holds: boolean, sentence: string): void {
    if (!holds) this.failures.push(sentence);
  }

  count(name: string, value: number | string): void {
    this.counts[name] = value;
  }

  outcome(): Outcome {
    const { counts, failures, skipped } = this;
    return { counts, failures, ...(skipped === undefined ? {} : { skipped }) };
  }
}

/** Waits until the condition holds; false when it did not within the time. */
export async function eventually(holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<boolean> {
  const ends = Date.now() + withinMs;
  for (;;) {
    if (await holds()) return true;
    if (Date.now() > ends) return false;
    await sleep(50);
  }
}

const LAST_WORDS_WITHIN_MS = 60_000;
/** What is half-written stays so, however often one looks. */
const AUDITS = 5;

/** Ends the writers, gives the readers time to reach the end of every log, and stops them. */
export async function settle(
  findings: Findings,
  truth: Truth,
  writers: readonly Writer[],
  readers: readonly Reader[],
): Promise<void> {
  const stopped = Promise.all(writers.map((writer) => writer.stop()));
  // A node that never comes back would else keep its writers trying for ever.
  const late = setTimeout(() => {
    findings.expect(false, 'what was sent last does not get through');
    for (const writer of writers) writer.abandon();
  }, LAST_WORDS_WITHIN_MS);
  await stopped;
  clearTimeout(late);
  let heads = new Map<string, string>();
  const all = await eventually(async () => {
    heads = await truth.heads();
    return readers.every((reader) => reader.hasReached(heads));
  });
  if (!all)
    findings.expect(false, readers.map((reader) => reader.lacks(heads)).find((lack) => lack !== undefined) ?? '');
  await Promise.all(readers.map((reader) => reader.stop()));
  for (const reader of readers)
    for (const complaint of reader.complaints) findings.expect(false, `${reader.name}: ${complaint}`);
}

/** Compares all ledgers with the logs and audits the partitions. `allowed` faults are counted and are no failure. */
export async function judge(
  findings: Findings,
  world: World,
  truth: Truth,
  allowed: readonly Fault[] = [],
): Promise<Report> {
  const checker = new Checker(await truth.logs());
  for await (const line of world.ledgers.lines()) checker.take(line);
  const report = checker.report(true);
  for (const [name, count] of Object.entries(report.counts)) findings.count(name, count);
  for (const fault of FAULTS) {
    findings.count(fault, report.faults[fault]);
    if (report.faults[fault] > 0 && !allowed.includes(fault))
      findings.failures.push(
        `${report.faults[fault]} ${fault}`,
        ...report.examples.filter((example) => example.startsWith(`${fault}:`)),
      );
  }
  // Logs and feeds are read one after the other, and the product itself still writes: that somebody who is gone is offline now, say.
  let wrong = await truth.audit();
  for (let looks = 1; wrong.length > 0 && looks < AUDITS; looks += 1) wrong = await truth.audit();
  findings.count('half-written', wrong.length);
  findings.failures.push(...wrong.slice(0, 5));
  return report;
}

/** Waits until the projectors have everything; where they stand still is a failure. */
export async function projected(findings: Findings, truth: Truth, withinMs = 25_000): Promise<void> {
  if (await eventually(() => truth.isProjected(), withinMs)) return;
  for (const place of (await truth.lagging()).slice(0, 3)) findings.expect(false, `projectors stand still: ${place}`);
}

/** Runs a story in its world, which is stopped whatever happens; an exception becomes a failure with the nodes' last words. */
export async function within(
  findings: Findings,
  world: World,
  story: (world: World) => Promise<void>,
): Promise<Outcome> {
  try {
    await story(world);
  } catch (error) {
    findings.failures.push(`the story broke: ${(error as Error).stack ?? String(error)}`);
  }
  if (findings.failures.length > 0 && process.env['PROVE_KEEP_LOGS'] !== undefined) {
    for (const node of world.nodes) console.error(`--- ${node.name}\n${node.lastWords()}`);
  }
  await world.stop();
  return findings.outcome();
}

export const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

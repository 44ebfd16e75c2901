/** What a benchmark is made of: a case runs once per round on each of its sides, in turn. */
import type { ServerName } from './servers.ts';

/** The numbers of one run: the unit is part of the name. */
export type Measures = Record<string, number>;

export interface Side {
  round(): Promise<Measures>;
  stop(): Promise<void>;
}

export interface Case {
  readonly name: string;
  readonly about: string;
  /** `rill` is compared with every other. */
  readonly sides: Readonly<Partial<Record<ServerName | 'xadd' | 'none' | 'scan', () => Promise<Side>>>>;
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which a share of the numbers lies. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

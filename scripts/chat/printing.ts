/** How every command shows what it found: tables for people, JSON for programs. Numbers stand right and have thousands, texts stand left. */

export type Cell = string | number | boolean | null | undefined;

/** A command's answer, in both ways that it may be asked for. */
export interface Shown {
  readonly json: unknown;
  /** Lines; the last one mostly says how much there was. */
  readonly text: string;
}

const MOST_OF_A_CELL = 100;

/** Rows below their headings, as wide as they need. A table without rows is nothing. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => headings.map((_, i) => shownCell(row[i])));
  const all = [[...headings], ...cells];
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const isRight = headings.map((_, i) => rows.every((row) => isQuantity(row[i])));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => (isRight[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

const isQuantity = (cell: Cell): boolean =>
  cell === undefined || typeof cell === 'number' || (typeof cell === 'string' && /^[\d.]+ (B|[KMGT]iB|%)$/.test(cell));

/** Names with their values below each other; what has none is left out. */
export function facts(pairs: readonly (readonly [string, Cell])[]): string {
  const told = pairs.filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}  ${shownCell(value)}\n`).join('');
}

function shownCell(cell: Cell): string {
  if (cell === undefined || cell === null) return '';
  if (typeof cell === 'number') return grouped(cell);
  return shortened(String(cell));
}

/** What is longer than a line of a terminal, or has lines itself, would break a table. */
export function shortened(text: string, most = MOST_OF_A_CELL): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`;
}

export const grouped = (count: number): string => count.toLocaleString('en-US');

/** `1 event`, `2 events` */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[power]}`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** Counts beside each other, each as high as its share of the largest; nothing is a blank. */
export function sparkline(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  return counts.map((count) => (count === 0 ? ' ' : BARS[Math.ceil((count / most) * BARS.length) - 1])).join('');
}

/** Milliseconds as an RFC 3339 time. */
export const time = (ms: number): string => new Date(ms).toISOString();

/** Where a command is typed and read: what it is told by its surroundings, where its answer goes, and when it is to stop. */
import { once } from 'node:events';

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The answer. Waits for whoever reads, so that a long one into a slow pipe does not gather here. */
  write(text: string): Promise<void>;
  /** What is said beside the answer: what goes wrong, how far a long work is. */
  tell(text: string): void;
  /** A person looks at what is told, and lines may be written over. */
  readonly isWatched: boolean;
  /** Who typed the command has seen enough. */
  readonly stopped: AbortSignal;
}

export function processTerminal(): Terminal {
  const stopping = new AbortController();
  // The first one ends what runs well, the second one at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  // Whoever reads may have seen enough: `replay --all | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    environment: process.env,
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
    tell: (text) => void process.stderr.write(text),
    isWatched: process.stderr.isTTY,
    stopped: stopping.signal,
  };
}

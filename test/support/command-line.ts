/** Commands as they are typed, in this process: a node of its own for each would cost a second. */
import { runChat } from '../../scripts/chat/program.ts';
import type { World } from './world.ts';

export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command to its end. No secret is given, since none is needed. */
export type Chat = (...args: string[]) => Promise<Ended>;

export function chatOn(environment: () => Record<string, string>, stopped = new AbortController().signal): Chat {
  return async (...args) => {
    let [output, errors] = ['', ''];
    const code = await runChat(args, {
      environment: environment(),
      write: (text) => Promise.resolve(void (output += text)),
      tell: (text) => (errors += text),
      isWatched: false,
      stopped,
    });
    return { code, output, errors };
  };
}

export const chatIn = (world: World): Chat => chatOn(() => world.environment);

export const lines = ({ output }: Ended): string[] => output.split('\n').filter(Boolean);

export const json = <T>({ output }: Ended): T => JSON.parse(output) as T;

/** History by REST, oldest and newest first, from every node in turn: it must be the messages of the log in the log's order. */
import { history } from './client.ts';
import type { Person } from './client.ts';
import type { Findings } from './story.ts';
import type { Truth } from './truth.ts';

/** How many pagings were equal; a difference is a failure. */
export async function pagesAgree(
  findings: Findings,
  truth: Truth,
  bases: readonly string[],
  readers: readonly Person[],
  conversations: readonly string[],
): Promise<number> {
  const logs = await truth.logs();
  let equal = 0;
  for (const [i, conversation] of conversations.entries()) {
    const expected = (logs.get(conversation) ?? []).flatMap(({ message, id }) => (message ? [`${message} ${id}`] : []));
    for (const order of ['asc', 'desc'] as const) {
      const base = bases[(i + (order === 'asc' ? 1 : 0)) % bases.length]!;
      const pages = await history([base], readers[i % readers.length]!, conversation, order);
      const shown = pages.map((message) => `${message.id} ${message.event_id}`);
      if (shown.join() === expected.join()) equal += 1;
      else {
        const at = shown.findIndex((message, k) => message !== expected[k]);
        const where = `${shown.length} shown, ${expected.length} in the log, the first difference at ${at}`;
        findings.expect(false, `the pages of ${conversation} (${order}) differ: ${where}`);
      }
    }
  }
  return equal;
}

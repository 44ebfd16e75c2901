/**
 * Where webhooks of a story are delivered to: takes all of them, slowly. What is heard twice must come under the same id, and what nobody
 * may see any more need not come.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { Findings } from './story.ts';
import { Target } from './target.ts';
import type { Truth } from './truth.ts';

interface Heard {
  /** Conversation and id. */
  readonly event: string;
  times: number;
}

const SLOWEST_MS = 150;

export class HookTarget extends Target {
  /** By `Chat-Delivery`. */
  readonly deliveries = new Map<string, Heard>();
  readonly wrong: string[] = [];
  private readonly random: Random;

  constructor(random: Random) {
    super();
    this.random = random;
  }

  protected async take(headers: IncomingHttpHeaders, body: Buffer): Promise<number> {
    const { id, conversation_id } = JSON.parse(body.toString()) as Record<string, string>;
    const delivery = String(headers['chat-delivery']);
    const event = `${conversation_id} ${id}`;
    const before = this.deliveries.get(delivery);
    if (before && before.event !== event) this.wrong.push(`delivery ${delivery} is ${before.event} and ${event}`);
    if (before) before.times += 1;
    else this.deliveries.set(delivery, { event, times: 1 });
    await sleep(this.random.between(0, SLOWEST_MS));
    return 204;
  }
}

/** The first of them was there from the beginning: it has heard of every message of the room that was not taken back. */
export async function judgeHooks(
  findings: Findings,
  truth: Truth,
  { room, targets }: { room: string; targets: readonly [HookTarget, ...HookTarget[]] },
): Promise<void> {
  const heard = new Set([...targets[0].deliveries.values()].map(({ event }) => event));
  const missed = ((await truth.logs()).get(room) ?? []).filter(
    ({ id, message, toldLate }) => message !== undefined && toldLate === undefined && !heard.has(`${room} ${id}`),
  );
  for (const { id } of missed.slice(0, 3)) findings.expect(false, `the webhook has not heard of ${id}`);
  for (const sentence of targets.flatMap(({ wrong }) => wrong).slice(0, 3)) findings.expect(false, sentence);
  const all = targets.flatMap(({ deliveries }) => [...deliveries.values()]);
  findings.count('deliveries', all.length);
  findings.count('delivered again', all.filter(({ times }) => times > 1).length);
}

/**
 * What the processes of one server say together, whichever of them was reached: each asks the first process, which asks them all. Refuses
 * to wait for one that does not answer: then its share is missing.
 */
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';

/** From a worker to the first process, and from there to each of them and back. */
type Message =
  | { readonly kind: 'ask' | 'report'; readonly id: number; readonly what: string }
  | { readonly kind: 'answer'; readonly id: number; readonly report: unknown }
  | { readonly kind: 'all'; readonly id: number; readonly reports: readonly unknown[] };

const WITHIN_MS = 1_000;

/** Answers that are waited for, each for so long; undefined is that none came. */
class Answers<T> {
  private readonly waiting = new Map<number, (value: T | undefined) => void>();
  private last = 0;

  ask(send: (id: number) => void, withinMs: number): Promise<T | undefined> {
    const id = (this.last += 1);
    return new Promise((resolve) => {
      const late = setTimeout(() => this.take(id, undefined), withinMs);
      this.waiting.set(id, (value) => {
        clearTimeout(late);
        resolve(value);
      });
      send(id);
    });
  }

  take(id: number, value: T | undefined): void {
    this.waiting.get(id)?.(value);
    this.waiting.delete(id);
  }
}

type Reports = Record<string, () => unknown>;
type Said<Own extends Reports, What extends keyof Own> = readonly Awaited<ReturnType<Own[What]>>[];

/** In a process that serves. `own` is what can be asked of each: it answers data that can be sent. */
export class Siblings<Own extends Reports> {
  private readonly own: Own;
  private readonly asked = new Answers<readonly unknown[]>();

  constructor(own: Own) {
    this.own = own;
    if (cluster.isWorker) process.on('message', this.hear);
  }

  /** Of each process of this server, this one among them. */
  async all<What extends string & keyof Own>(what: What): Promise<Said<Own, What>> {
    const reports = cluster.isWorker
      ? await this.asked.ask((id) => void process.send!({ kind: 'ask', id, what }), 2 * WITHIN_MS)
      : undefined;
    return (reports ?? [await this.own[what]!()]) as Said<Own, What>;
  }

  stop(): void {
    process.off('message', this.hear);
  }

  private readonly hear = (message: Message): void => {
    if (message.kind === 'all') this.asked.take(message.id, message.reports);
    if (message.kind === 'report') void this.answer(message.id, message.what);
  };

  private async answer(id: number, what: string): Promise<void> {
    let report: unknown;
    try {
      report = await this.own[what]!();
    } catch {
      // Its share is missing.
    }
    if (process.connected) process.send!({ kind: 'answer', id, report });
  }
}

/** In the first process, between the others. */
export class Relay {
  private readonly workers = new Set<Worker>();
  private readonly asked = new Answers<unknown>();

  /** From now on this worker, which is ready, may ask and is asked. */
  connect(worker: Worker): void {
    this.workers.add(worker);
    worker.once('exit', () => this.workers.delete(worker));
    worker.on('message', (message: Message) => {
      if (message.kind === 'answer') this.asked.take(message.id, message.report);
      if (message.kind === 'ask') void this.gather(worker, message.id, message.what);
    });
  }

  private async gather(asker: Worker, id: number, what: string): Promise<void> {
    const all = await Promise.all(
      [...this.workers].map((worker) =>
        this.asked.ask(
          (report) => void (worker.isConnected() && worker.send({ kind: 'report', id: report, what })),
          WITHIN_MS,
        ),
      ),
    );
    const reports = all.filter((report) => report !== undefined);
    if (asker.isConnected()) asker.send({ kind: 'all', id, reports });
  }
}

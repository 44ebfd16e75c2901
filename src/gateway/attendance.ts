/**
 * Tells one listener which sockets are open: each as it opens and closes, and all of them together every few seconds, which is what a
 * lease needs that must end by itself when this node dies. Of one socket the listener hears in order, and of no renewal after its end.
 * Refuses to let the listener's trouble reach a socket: what it throws is a warning.
 */
import type { OpenSocket, SessionListener } from '../envelope.ts';
import type { Warn } from '../log/connection.ts';

const RENEW_EVERY_MS = 15_000;
/** A listener that does not answer must not keep a node from stopping: what hangs on its sessions runs out by itself. */
const LAST_WORDS_MS = 2_000;

export class Attendance {
  private readonly listener: SessionListener;
  private readonly warn: Warn;
  /** Each open socket, and what its listener is still told. */
  private readonly present = new Map<OpenSocket, Promise<void>>();
  private readonly leaving = new Set<Promise<void>>();
  private renewing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(listener: SessionListener, warn: Warn) {
    this.listener = listener;
    this.warn = warn;
  }

  start(): void {
    this.timer = setInterval(() => this.renew(), RENEW_EVERY_MS);
  }

  /** Tells the end of every socket that is still there, and waits a while for the listener to have heard it. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const session of this.present.keys()) this.closed(session);
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => (late = setTimeout(resolve, LAST_WORDS_MS)));
    await Promise.race([Promise.all(this.leaving), deadline]);
    clearTimeout(late);
  }

  opened(session: OpenSocket): void {
    this.present.set(
      session,
      this.tell(() => this.listener.opened(session)),
    );
  }

  /** One that never opened is none. */
  closed(session: OpenSocket): void {
    const opened = this.present.get(session);
    if (!opened) return;
    this.present.delete(session);
    const last = Promise.all([opened, this.renewing]).then(() => this.tell(() => this.listener.closed(session)));
    this.leaving.add(last);
    void last.finally(() => this.leaving.delete(last));
  }

  private renew(): void {
    if (this.renewing || this.present.size === 0) return;
    const sessions = [...this.present.keys()];
    this.renewing = this.tell(() => this.listener.renewed(sessions)).finally(() => (this.renewing = undefined));
  }

  private async tell(call: () => Promise<void> | void): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.warn(`gateway: who keeps account of sessions failed: ${(error as Error).message}`);
    }
  }
}

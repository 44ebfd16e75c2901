/**
 * Commands on their way: those that wait for a live connection, and those that wait for their answer. Owns the ids by which answers are
 * known, the deadlines, and that a command which may be repeated outlives the socket that it went out on. Bounded: so many may wait, so
 * many may be unanswered, so many go out in a second, since the server closes a socket that floods it.
 */
import { commandFrame } from './frames.ts';
import { isWorthRepeating, Refusal } from './refusal.ts';

const MAX_WAITING = 1_000;
/** These and what goes out in a second stay together below the hundred frames that the server takes. */
const MAX_UNANSWERED = 32;
const PER_SECOND = 50;
const AT_ONCE = 10;

interface Pending {
  readonly type: string;
  readonly data: object;
  /** Undefined where a repeat would be another command: then it goes down with its socket. */
  readonly requestId: string | undefined;
  readonly resolve: (data: object) => void;
  readonly reject: (error: Refusal) => void;
  readonly deadline: ReturnType<typeof setTimeout>;
  again?: ReturnType<typeof setTimeout> | undefined;
}

export class CommandQueue {
  private readonly waiting: Pending[] = [];
  private readonly unanswered = new Map<string, Pending>();
  /** Where commands go while the connection is live. */
  private write: ((frame: string) => void) | undefined;
  private sent = 0;
  private allowance = AT_ONCE;
  private countedAt = 0;
  private refill: ReturnType<typeof setTimeout> | undefined;

  run(type: string, data: object, { requestId, withinMs }: { requestId: string | undefined; withinMs: number }) {
    return new Promise<object>((resolve, reject) => {
      if (this.waiting.length >= MAX_WAITING) return reject(new Refusal({ code: 'full' }));
      if (requestId === undefined && !this.write) return reject(new Refusal({ code: 'lost' }));
      const deadline = setTimeout(() => this.drop(pending, new Refusal({ code: 'timeout' })), withinMs);
      const pending: Pending = { type, data, requestId, resolve, reject, deadline };
      this.waiting.push(pending);
      this.pump();
    });
  }

  /** A socket is live: what waited goes out, in order. */
  open(write: (frame: string) => void): void {
    this.write = write;
    this.pump();
  }

  /** The socket is gone. What may be repeated waits for the next one, before all else. */
  close(): void {
    this.write = undefined;
    const lost = [...this.unanswered.values()];
    this.unanswered.clear();
    this.waiting.unshift(...lost);
    const passing = this.waiting.filter(({ requestId }) => requestId === undefined);
    for (const pending of passing) this.drop(pending, new Refusal({ code: 'lost' }));
  }

  /** No socket will come any more. */
  end(error: Refusal): void {
    this.close();
    for (const pending of this.waiting.splice(0)) this.drop(pending, error);
  }

  answered(id: string, data: object): void {
    const pending = this.take(id);
    if (!pending) return;
    clearTimeout(pending.deadline);
    pending.resolve(data);
  }

  refused(id: string, error: Refusal): void {
    const pending = this.take(id);
    if (!pending) return;
    if (pending.requestId === undefined || !isWorthRepeating(error)) return this.drop(pending, error);
    pending.again = setTimeout(
      () => {
        this.waiting.unshift(pending);
        this.pump();
      },
      (error.retryAfter ?? 1) * 1_000 * (1 + Math.random()),
    );
  }

  private take(id: string): Pending | undefined {
    const pending = this.unanswered.get(id);
    this.unanswered.delete(id);
    this.pump();
    return pending;
  }

  private pump(): void {
    while (this.write && this.waiting.length > 0 && this.unanswered.size < MAX_UNANSWERED && this.mayGo()) {
      const pending = this.waiting.shift()!;
      const id = `c${(this.sent += 1)}`;
      this.unanswered.set(id, pending);
      this.write(commandFrame(pending.type, { id, data: pending.data, request_id: pending.requestId }));
    }
  }

  /** Counts one frame, or asks to be called again when there may be one. */
  private mayGo(): boolean {
    const now = Date.now();
    // A clock that was put back is no reason to wait for it.
    const passed = Math.max(0, now - this.countedAt);
    this.allowance = Math.min(AT_ONCE, this.allowance + (passed * PER_SECOND) / 1_000);
    this.countedAt = now;
    if (this.allowance >= 1) {
      this.allowance -= 1;
      return true;
    }
    this.refill ??= setTimeout(() => {
      this.refill = undefined;
      this.pump();
    }, 1_000 / PER_SECOND);
    return false;
  }

  private drop(pending: Pending, error: Refusal): void {
    clearTimeout(pending.deadline);
    clearTimeout(pending.again);
    const at = this.waiting.indexOf(pending);
    if (at >= 0) this.waiting.splice(at, 1);
    for (const [id, one] of this.unanswered) if (one === pending) this.unanswered.delete(id);
    pending.reject(error);
  }
}

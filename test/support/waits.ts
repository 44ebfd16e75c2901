/** Conditions that somebody waits for: looked at whenever their owner says that something happened, each with its deadline. */
export class Waits {
  private readonly checks = new Set<() => void>();

  /** Something happened. */
  look(): void {
    for (const check of this.checks) check();
  }

  /** Resolves when it holds; rejects with what `late` says when it did not within the time. */
  until(holds: () => boolean, withinMs: number, late: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(deadline);
        this.checks.delete(check);
      };
      const check = () => {
        if (!holds()) return;
        done();
        resolve();
      };
      const deadline = setTimeout(() => {
        done();
        reject(new Error(late()));
      }, withinMs);
      this.checks.add(check);
      check();
    });
  }
}

/** What files were found to hold, kept for whoever asks next: each is read once for all who ask, and only so many bytes are kept. */
interface Kept<T> {
  readonly reading: Promise<T>;
  size: number;
}

export class KeptFiles<T> {
  private readonly most: number;
  private readonly sizeOf: (content: T) => number;
  /** The last asked for comes last. */
  private readonly kept = new Map<string, Kept<T>>();

  constructor(most: number, sizeOf: (content: T) => number) {
    this.most = most;
    this.sizeOf = sizeOf;
  }

  /** A file by its name; `read` is called where nobody has it. What fails is not kept. */
  get(file: string, read: () => Promise<T>): Promise<T> {
    const kept = this.kept.get(file) ?? this.begin(file, read);
    this.kept.delete(file);
    this.kept.set(file, kept);
    return kept.reading;
  }

  private begin(file: string, read: () => Promise<T>): Kept<T> {
    const kept: Kept<T> = { reading: read(), size: 0 };
    kept.reading.then(
      (content) => {
        kept.size = this.sizeOf(content);
        this.forgetOldest();
      },
      () => {
        if (this.kept.get(file) === kept) this.kept.delete(file);
      },
    );
    return kept;
  }

  private forgetOldest(): void {
    let sum = [...this.kept.values()].reduce((all, { size }) => all + size, 0);
    for (const [file, { size }] of this.kept) {
      if (sum <= this.most) return;
      this.kept.delete(file);
      sum -= size;
    }
  }
}

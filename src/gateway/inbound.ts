/** What one client sends: so many frames a second, each the JSON of an object that names its type. Refuses to know what the types mean. */

/** A frame as far as it was looked at. */
export interface Incoming {
  readonly parsed: Record<string, unknown>;
  readonly text: string;
  /** By which the client knows the answer again, where it gave one that may be sent back. */
  readonly id: string | undefined;
}

const MAX_ID = 64;
const MAX_BAD_FRAMES = 3;

export class Inbound {
  private readonly maxPerSecond: number;
  private second = 0;
  private inSecond = 0;
  private bad = 0;

  /** 0 is no limit. */
  constructor(maxPerSecond: number) {
    this.maxPerSecond = maxPerSecond;
  }

  /** Counts a frame that came. */
  isFlooding(now: number): boolean {
    if (this.maxPerSecond === 0) return false;
    const second = Math.floor(now / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.inSecond = 0;
    }
    this.inSecond += 1;
    return this.inSecond > this.maxPerSecond;
  }

  /** Undefined for what is no frame. */
  read(data: Buffer, isBinary: boolean): Incoming | undefined {
    const text = isBinary ? '' : data.toString('utf8');
    const parsed = parseObject(text);
    if (!parsed) {
      this.bad += 1;
      return undefined;
    }
    const { id } = parsed;
    return { parsed, text, id: typeof id === 'string' && id.length <= MAX_ID ? id : undefined };
  }

  /** What came was no frame too often. */
  get isHopeless(): boolean {
    return this.bad >= MAX_BAD_FRAMES;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isFrame =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      typeof (value as { type?: unknown }).type === 'string';
    return isFrame ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

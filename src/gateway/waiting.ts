/**
 * Live events that wait while the log is read, bounded for all streams of one socket together. Waiting is only a shortcut: what does not
 * fit is dropped, and whoever waits is told to read it from the log.
 */
import type { Framed } from './frames.ts';

const MAX_BYTES = 262_144;
/** What an event costs beside its bytes. */
const OVERHEAD = 128;

export class WaitingRoom {
  private bytes = 0;

  /** False where there is no room. */
  enter({ frame }: Framed): boolean {
    const size = frame.length + OVERHEAD;
    if (this.bytes + size > MAX_BYTES) return false;
    this.bytes += size;
    return true;
  }

  leave(events: readonly Framed[]): void {
    for (const { frame } of events) this.bytes -= frame.length + OVERHEAD;
  }
}

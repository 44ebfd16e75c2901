/**
 * Who holds which bytes. Attachments of one content share its bytes, which go with the last that holds them. A content is held before its
 * bytes are put, and each hold is looked at again an hour later: whatever crashes in between, nothing stays that nobody holds. A key is
 * never used again once it was let go, so bytes that are taken away late are nobody's.
 */
import { fileKey } from '../../files/store.ts';
import type { FileStore, LocalFile } from '../../files/store.ts';
import type { Log } from '../../log/log.ts';
import type { Timer } from '../feature.ts';

/** An upload has long ended by then. */
const LOOK_AFTER_MS = 3_600_000;

const owner = (sha256: string) => ({ kind: 'file', id: sha256 }) as const;

export class Holding {
  private readonly log: Log;
  private readonly store: FileStore;

  constructor(log: Log, store: FileStore) {
    this.log = log;
    this.store = store;
  }

  /** Keeps a file for a holder. Answers the word of its key; `word` must be new. Safe to repeat. */
  async keep(file: LocalFile, holder: string, word: string): Promise<string> {
    const args = { sha256: file.sha256, holder, word, again_ms: String(LOOK_AFTER_MS) };
    const [, found] = await this.log.run('file.hold', owner(file.sha256), args);
    // Whoever holds it as well may not have put it yet, or have crashed before.
    await this.store.put(fileKey(file.sha256, String(found)), file);
    return String(found);
  }

  /** The last holder's bytes go. Safe to repeat. */
  async letGo(sha256: string, holder: string): Promise<void> {
    const [, ...doomed] = await this.log.run('file.release', owner(sha256), { sha256, holder });
    const words = doomed.map(String);
    if (words.length === 0) return;
    await Promise.all(words.map((word) => this.store.remove(fileKey(sha256, word))));
    await this.log.run('file.forget', owner(sha256), { sha256, words });
  }

  /** `isHeld` says whether the holder is there, with this content. */
  lookingAfter(isHeld: (holder: string, sha256: string) => Promise<boolean>): Timer {
    return {
      kind: 'file',
      fire: async (name) => {
        const [sha256, holder] = name.split(' ') as [string, string];
        if (!(await isHeld(holder, sha256))) await this.letGo(sha256, holder);
      },
    };
  }
}

/** A push service of a story: takes all that comes for one device, slowly. */
import { createECDH, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Target } from './target.ts';

const SLOWNESS_MS = 200;

export class PushTarget extends Target {
  /** The `Topic` of each push: the id of the notification that it tells of. */
  readonly topics: string[] = [];

  /** What a browser would say of itself. */
  subscription(): object {
    const key = createECDH('prime256v1');
    key.generateKeys();
    return {
      endpoint: `${this.url}device`,
      keys: { p256dh: key.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') },
    };
  }

  protected async take(headers: IncomingHttpHeaders): Promise<number> {
    this.topics.push(String(headers['topic']));
    await sleep(SLOWNESS_MS);
    return 201;
  }
}

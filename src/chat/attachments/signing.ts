/** Addresses of bytes that are their own permission for an hour: signed by a key that follows from the server's secret. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ATTACHMENTS } from './contract.ts';

const LIFE_SECONDS = 3_600;

export type Part = 'content' | 'thumbnail';

export interface Signed {
  readonly expires?: string;
  readonly signature?: string;
}

export class Signing {
  private readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  /** Unix seconds at which what is signed now expires. */
  expiry(now: number): number {
    return Math.floor(now / 1_000) + LIFE_SECONDS;
  }

  address(id: string, part: Part, expires: number): string {
    const signature = this.signature(id, part, String(expires)).toString('base64url');
    return `${ATTACHMENTS}/${id}/${part}?expires=${expires}&signature=${signature}`;
  }

  fits(id: string, part: Part, { expires = '', signature = '' }: Signed, now: number): boolean {
    const given = Buffer.from(signature, 'base64url');
    const own = this.signature(id, part, expires);
    return given.length === own.length && timingSafeEqual(given, own) && Number(expires) * 1_000 > now;
  }

  private signature(id: string, part: Part, expires: string): Buffer {
    return createHmac('sha256', this.key).update(`${id} ${part} ${expires}`).digest();
  }
}

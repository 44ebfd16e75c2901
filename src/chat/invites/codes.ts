/**
 * Codes of invites. A code says of which conversation which invite it is, signed with the server's secret: so no code is kept anywhere, who
 * reads the log learns none, nobody can guess one, and a wrong one is refused without asking Redis. All codes end with the secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface InviteRef {
  readonly conversationId: string;
  readonly inviteId: string;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_BYTES = 16;
const ID_LENGTH = 26;
/** 96 bits that nobody guesses. */
const SIGNATURE_BYTES = 12;
const CODE = /^[A-Za-z0-9_-]{59}$/;

export class InviteCodes {
  private readonly secret: string;

  constructor(secret: string) {
    this.secret = secret;
  }

  codeOf(invite: InviteRef): string {
    const named = Buffer.concat([bytesOf(invite.conversationId), bytesOf(invite.inviteId)]);
    return Buffer.concat([named, this.signature(named)]).toString('base64url');
  }

  /** Which invite it is; undefined for what is no code of ours. */
  read(code: string): InviteRef | undefined {
    if (!CODE.test(code)) return undefined;
    const bytes = Buffer.from(code, 'base64url');
    const named = bytes.subarray(0, 2 * ID_BYTES);
    if (!timingSafeEqual(bytes.subarray(2 * ID_BYTES), this.signature(named))) return undefined;
    const invite = { conversationId: idOf(named.subarray(0, ID_BYTES)), inviteId: idOf(named.subarray(ID_BYTES)) };
    // The last character of a code has bits that mean nothing: one invite, one code.
    return this.codeOf(invite) === code ? invite : undefined;
  }

  private signature(named: Buffer): Buffer {
    return createHmac('sha256', this.secret).update('invite\n').update(named).digest().subarray(0, SIGNATURE_BYTES);
  }
}

function bytesOf(id: string): Buffer {
  const bits = Array.from(id).reduce((sum, character) => (sum << 5n) | BigInt(CROCKFORD.indexOf(character)), 0n);
  return Buffer.from(bits.toString(16).padStart(2 * ID_BYTES, '0'), 'hex');
}

function idOf(bytes: Buffer): string {
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  const characters = Array.from({ length: ID_LENGTH }, (_, i) => {
    const shift = BigInt(5 * (ID_LENGTH - 1 - i));
    return CROCKFORD[Number((bits >> shift) & 31n)];
  });
  return characters.join('');
}

/**
 * The key pair by which push services know this server. It follows from the server's secret when it is first needed, and is then kept in
 * Redis: all nodes have the same one, and it stays when the secret changes, since every subscription hangs on it.
 */
import { createECDH } from 'node:crypto';
import { PUSH_KEYS_KEY } from '../../keys.ts';
import { kept } from '../../log/kept.ts';
import type { Deps } from '../feature.ts';

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

export class PushKeys {
  private readonly deps: Pick<Deps, 'log' | 'secretOf'>;
  private known: Promise<KeyPair> | undefined;

  constructor(deps: Pick<Deps, 'log' | 'secretOf'>) {
    this.deps = deps;
  }

  pair(): Promise<KeyPair> {
    // One that could not be read is asked for again.
    this.known ??= this.read().catch((error: unknown) => {
      this.known = undefined;
      throw error;
    });
    return this.known;
  }

  private async read(): Promise<KeyPair> {
    const { log, secretOf } = this.deps;
    const candidate = Buffer.from(secretOf('push keys'), 'base64url').toString('base64url');
    const privateKey = await kept(log, PUSH_KEYS_KEY, candidate);
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(privateKey, 'base64url');
    return { privateKey, publicKey: curve.getPublicKey('base64url') };
  }
}

/** A WebSocket handshake with any path and headers, and what came of it; and access tokens of any age. */
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import { SECRET } from './server.ts';
import type { User } from './server.ts';

export interface Handshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body of a refusal. */
  readonly body: Record<string, unknown>;
  /** The sub-protocol that the server chose. */
  readonly protocol: string;
}

interface Attempt {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
}

/** Opens a socket and closes it again, or tells how it was refused. */
export function handshake(base: string, attempt: Attempt): Promise<Handshake> {
  const { path = '/api/v1/ws', headers = {}, protocols = [] } = attempt;
  const ws = new WebSocket(`${base.replace('http', 'ws')}${path}`, protocols, { headers });
  return new Promise((resolve, reject) => {
    ws.on('error', reject);
    ws.on('open', () => {
      ws.close();
      resolve({ status: 101, headers: {}, body: {}, protocol: ws.protocol });
    });
    ws.on('unexpected-response', (_, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, protocol: '' });
      });
    });
  });
}

export const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

/** A token of the user's session that ends in so many seconds; with another secret it is a forged one. */
export function tokenOf(user: User, seconds: number, secret = SECRET): string {
  const { sub, sid } = jwt.decode(user.token) as { sub: string; sid: string };
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub, sid, iat: now - 60, exp: now + seconds };
  return jwt.sign(claims, secret, { algorithm: 'HS256', issuer: 'rill', audience: 'rill' });
}

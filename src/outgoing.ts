/**
 * Calls to addresses that users name: webhooks and push services. Owns that such a call reaches nothing that is not on the public net: the
 * name is resolved once, each address is looked at, and the connection goes to the very address that was looked at, so that a name
 * which changes meanwhile changes nothing; a redirect is looked at as the first address was. Each call has a deadline, and of an answer
 * no more is read than is worth reading. Refuses to try again: that is the caller's part.
 */
import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface OutgoingOptions {
  /** True also reaches private networks and the machine itself. */
  readonly allowPrivate: boolean;
  /** All addresses of a name. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  readonly isAllowed?: (address: string) => boolean;
}

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Longer than a healthy target takes, shorter than whoever calls is given. */
const DEADLINE_MS = 4_000;
const MAX_REDIRECTS = 3;
const MAX_ANSWER_BYTES = 65_536;
/** What is asked for again with the same method and body. */
const REDIRECTS = new Set([307, 308]);

/** Why a call came to nothing, in words for whoever asked for it. */
export class CallFailed extends Error {}

export class Outgoing {
  private readonly resolve: (name: string) => Promise<readonly string[]>;
  private readonly isAllowed: (address: string) => boolean;

  constructor({ allowPrivate, resolve = resolved, isAllowed = isPublic }: OutgoingOptions) {
    this.resolve = resolve;
    this.isAllowed = allowPrivate ? () => true : isAllowed;
  }

  /** Why nothing could ever be sent there, as far as the address alone tells. */
  refusal(url: string): string | undefined {
    const { username, password, hostname } = new URL(url);
    if (username !== '' || password !== '') return 'must not hold a name or a password';
    const address = bare(hostname);
    return isIP(address) > 0 && !this.isAllowed(address) ? 'must not be a private address' : undefined;
  }

  /** The status of the answer. Throws `CallFailed`. */
  async post(call: Call): Promise<number> {
    const late = AbortSignal.timeout(DEADLINE_MS);
    try {
      let { url } = call;
      for (let redirects = 0; ; redirects += 1) {
        const { status, location } = await this.once({ ...call, url }, late);
        if (!REDIRECTS.has(status) || location === undefined) return status;
        if (redirects === MAX_REDIRECTS) throw new CallFailed('too many redirects');
        if (!URL.canParse(location, url)) throw new CallFailed('redirects to what is no address');
        url = new URL(location, url).href;
      }
    } catch (error) {
      if (error instanceof CallFailed) throw error;
      throw new CallFailed(late.aborted ? `no answer within ${DEADLINE_MS / 1_000} seconds` : reasonOf(error));
    }
  }

  private async once(
    { url, headers, body }: Call,
    late: AbortSignal,
  ): Promise<{ status: number; location: string | undefined }> {
    const target = new URL(url);
    if (!/^https?:$/.test(target.protocol)) throw new CallFailed('only http and https are called');
    const address = await this.addressOf(bare(target.hostname), late);
    const request = target.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((settle, reject) => {
      const call = request(target, {
        method: 'POST',
        headers: { ...headers, 'Content-Length': body.length },
        agent: false,
        signal: late,
        // The answer to every question for an address is the one that was looked at.
        lookup: (_name, options, answer) => {
          const family = isIP(address);
          if (options.all) (answer as (e: null, all: object[]) => void)(null, [{ address, family }]);
          else answer(null, address, family);
        },
      });
      call.on('error', reject);
      call.on('response', (response) => {
        const { statusCode: status = 0, headers: answered } = response;
        drained(response).then(() => settle({ status, location: answered.location }), reject);
      });
      call.end(body);
    });
  }

  private async addressOf(name: string, late: AbortSignal): Promise<string> {
    const found = await Promise.race([this.resolve(name), aborted(late)]);
    const [first] = found;
    if (first === undefined) throw new CallFailed('the name has no address');
    // One private address among public ones is reason enough to keep away.
    if (!found.every((address) => this.isAllowed(address))) throw new CallFailed('the address is private');
    return first;
  }
}

const resolved = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Everything that is set aside for something, as loopback, link-local or documentation, is not the public net. */
export function isPublic(address: string): boolean {
  return isIP(address) > 0 && ipaddr.process(address).range() === 'unicast';
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late')), { once: true }));
}

/** Resolves when the answer has ended, or is cut since nobody wants so much. */
function drained(response: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) response.destroy();
    });
    response.on('end', resolve);
    response.on('close', resolve);
    response.on('error', reject);
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

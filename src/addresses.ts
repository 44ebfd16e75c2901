/**
 * Who is at the other end, and by which name they called us: network addresses in one spelling, without port, and what the proxies
 * before the server say of both. Pure. Refuses to believe a header beyond the proxies that are trusted: what stands further left is the
 * caller's own word.
 */
import { isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';

/** An IPv6 caller has a whole /64 to come from. */
const NETWORK_BITS = 64;

/** The address as everything here compares and shows it: no port, no zone, IPv4 where it is one; '' for what is no address. */
export function plainAddress(text: string): string {
  const trimmed = text.trim();
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.replace(/%.*$/, '');
  // The library also reads 127.1 and 0x7f000001.
  return isIP(address) === 0 ? '' : ipaddr.process(address).toString();
}

/** What counts as one caller where calls are counted: an IPv4 address, or an IPv6 network. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/${NETWORK_BITS}`).toString()}/${NETWORK_BITS}`;
}

/** Whether it is the machine itself. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain !== '' && ipaddr.parse(plain).range() === 'loopback';
}

/**
 * The address of the caller: with trusted proxies the one that the outermost of them saw, else the other end of the connection, which
 * also stands in for what is no address.
 */
export function callerAddress(
  remoteAddress: string | undefined,
  forwardedFor: string | string[] | undefined,
  trustedProxies: number,
): string {
  return plainAddress(trusted(forwardedFor, trustedProxies) ?? '') || plainAddress(remoteAddress ?? '');
}

/**
 * Whether a browser's `Origin` is that of the server's own pages, as the caller addressed them. Letters and default ports make no
 * difference. Where no trusted proxy tells the scheme, the origin's own is taken: TLS may end before the server.
 */
export function isOwnOrigin(origin: string, headers: IncomingHttpHeaders, trustedProxies: number): boolean {
  const page = urlOf(origin);
  if (!page) return false;
  const scheme = trusted(headers['x-forwarded-proto'], trustedProxies)?.toLowerCase();
  const host = trusted(headers['x-forwarded-host'], trustedProxies) ?? headers.host ?? '';
  // Some proxies say ws and wss of a handshake.
  return urlOf(`${scheme?.replace('ws', 'http') ?? page.protocol.slice(0, -1)}://${host}`)?.origin === page.origin;
}

/** What the outermost trusted proxy wrote into a header to which each proxy adds; undefined without one. */
function trusted(header: string | string[] | undefined, proxies: number): string | undefined {
  if (proxies === 0 || header === undefined) return undefined;
  return String(header)
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .slice(-proxies)[0];
}

/** Only of schemes that have origins. */
function urlOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

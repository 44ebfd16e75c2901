/** The redis-cli that operators have, where this machine has one. */
import { dirname } from 'node:path';

type FindRedis = () => { readonly cli: string | undefined } | undefined;

/** A PATH on which it is found first. */
export async function pathWithRedisCli(): Promise<string | undefined> {
  const binary = (await import(new URL('../../scripts/redis-binary.mjs', import.meta.url).href)) as {
    readonly findRedis: FindRedis;
  };
  const cli = binary.findRedis()?.cli;
  return cli === undefined ? undefined : `${dirname(cli)}:${process.env['PATH']}`;
}

/** The documents as they follow from the contracts, without a server and without Redis. */
import { asyncApi } from '../../src/api/documents/asyncapi.ts';
import { openApi } from '../../src/api/documents/openapi.ts';
import { chat } from '../../src/chat/index.ts';
import { readConfig } from '../../src/config.ts';
import { describedBy } from '../../src/described.ts';
import { Keys } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { loadScripts } from '../../src/log/scripts.ts';
import { VERSION } from '../../src/version.ts';
import type { Views } from '../../src/views/store.ts';

/** What they are made from. */
export function product(): ReturnType<typeof describedBy> {
  const config = readConfig({ SECRET_KEY: 'documents hold no secret of anybody' });
  const scripts = loadScripts(new URL('../../lua/', import.meta.url), 'PUBLISH');
  // Nothing is asked of them: the tables are there before the first request.
  const log = { scripts, durability: 'disk', keys: new Keys(config.PARTITIONS) } as unknown as Log;
  return describedBy(chat(log, {} as Views, config).door);
}

/** By the names of their files. */
export function documents(): Record<string, object> {
  const tables = product();
  const plain = (document: object) => JSON.parse(JSON.stringify(document)) as object;
  return { 'openapi.json': plain(openApi(tables, VERSION)), 'asyncapi.json': plain(asyncApi(tables, VERSION)) };
}

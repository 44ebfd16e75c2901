/**
 * The one described table of settings, and the only reader of the environment. `.env.example` and the README's table are generated
 * from it. Refuses to start on a bad value, naming the setting and what it takes. `server.ts` hands each part its slice.
 */
import envSchema from 'env-schema';
import Type from 'typebox';
import type { Static } from 'typebox';

const int = (value: number, description: string, minimum = 0, maximum = 2_147_483_647) =>
  Type.Integer({ default: value, minimum, maximum, description });
const text = (value: string, description: string, pattern?: string) =>
  Type.String({ default: value, description, ...(pattern === undefined ? {} : { pattern }) });
const bool = (description: string) => Type.Boolean({ default: false, description });

const REDIS_SERVER = 'redis-server';
const DEFAULT_FILE_TYPES =
  'image/jpeg,image/png,image/gif,image/webp,application/pdf,text/plain,' +
  'audio/webm,audio/ogg,audio/mpeg,audio/mp4,video/mp4,video/webm';

export const settings = Type.Object({
  HOST: text('0.0.0.0', 'Address to listen on'),
  PORT: int(8000, 'Port for REST, WebSocket and health; 0 takes a free one', 0, 65_535),
  ROLES: text(
    'api,gateway,projector',
    'What this process does: any of api, gateway, projector',
    '^(api|gateway|projector)(,(api|gateway|projector))*$',
  ),
  WORKERS: int(1, 'Processes that share the port, each of which is a node of its own', 1, 64),
  REDIS_URL: text(
    '',
    'redis://… or unix:/path of one Redis; unset: a private Redis under DATA_DIR',
    '^$|^rediss?://|^unix:',
  ),
  REDIS_CLUSTER_NODES: text('', 'host:port,host:port… of a Redis Cluster', '^$|^[^,:\\s]+:\\d+(,[^,:\\s]+:\\d+)*$'),
  REPLICATION_ACKS: int(
    0,
    'Replicas that must have a write before it is acknowledged; above 0 the durability is "replicated"',
    0,
    5,
  ),
  REDIS_SERVER: text(REDIS_SERVER, 'The program that the private Redis is: a path, or a name in the PATH', '\\S'),
  REDIS_OPERATOR_PASSWORD: text(
    '',
    'Of the user `operator` of the private Redis, who reads everything and cannot write; unset: there is none',
    '^$|^\\S{12,}$',
  ),
  REDIS_ANALYTICS_PASSWORD: text(
    '',
    'Of its user `analytics`, who reads the feeds with consumer groups; unset: there is none',
    '^$|^\\S{12,}$',
  ),
  DATA_DIR: text('./data', 'Folder of the private Redis and of the generated secret'),
  PARTITIONS: int(64, 'Partitions; fixed when a Redis is first used', 1, 1024),
  SECRET_KEY: text(
    '',
    'Signs tokens, 32 characters or more, the same on every node; unset: generated under DATA_DIR',
    '^$|^.{32,}$',
  ),
  ACCESS_TOKEN_EXPIRE_MINUTES: int(30, 'Life of an access token', 1, 1440),
  REFRESH_TOKEN_EXPIRE_DAYS: int(7, 'Life of a refresh token that is not used', 1, 365),
  PASSWORD_HASH_COST: int(12, 'bcrypt cost; lower than 12 is for tests', 4, 16),
  CORS_ORIGINS: text('', "Origins of other sites that may call, separated by commas; empty: the server's own only"),
  HTTP_KEEP_ALIVE_SECONDS: int(
    75,
    'Seconds that an idle HTTP connection stays open; must be longer than a proxy before the server keeps one',
    1,
    3600,
  ),
  ADMIN_USERNAMES: text(
    '',
    'Usernames of admins, separated by commas; register them before anyone else does, or use `npm run chat -- admin grant NAME` instead',
    '^$|^ *[A-Za-z0-9_.-]{3,32} *(, *[A-Za-z0-9_.-]{3,32} *)*$',
  ),
  METRICS_TOKEN: text(
    '',
    'A bearer token that may read /metrics, /stats and /health/detailed, 16 characters or more',
    '^$|^[!-~]{16,}$',
  ),
  DEFAULT_CHANNELS: text(
    'general',
    'Channels that each new account comes into, separated by commas; empty: none',
    '^$|^[^,\\p{C}]{1,100}(,[^,\\p{C}]{1,100})*$',
  ),
  TRUSTED_PROXIES: int(0, "Proxies before the server, whose X-Forwarded-For tells a caller's address", 0, 10),
  RATE_LIMIT_LOGINS_PER_MINUTE: int(10, 'Log-in attempts per account and address; 0: no limit'),
  RATE_LIMIT_REQUESTS_PER_MINUTE: int(
    60,
    'Unauthenticated requests per address, and ten times as many per user; 0: no limit',
  ),
  RATE_LIMIT_MESSAGES_PER_MINUTE: int(100, 'Messages sent and edited per user; 0: no limit'),
  RATE_LIMIT_REACTIONS_PER_MINUTE: int(300, 'Reactions given and taken back per user; 0: no limit'),
  RATE_LIMIT_TYPING_PER_MINUTE: int(300, 'Typing signals per user; 0: no limit'),
  RATE_LIMIT_CONVERSATIONS_PER_HOUR: int(10, 'New conversations per user; 0: no limit'),
  RATE_LIMIT_UPLOADS_PER_HOUR: int(20, 'Uploaded files per user; 0: no limit'),
  RATE_LIMIT_EXPORTS_PER_HOUR: int(30, "Exports of one's own data, each part of one that was cut counts; 0: no limit"),
  RATE_LIMIT_HANDSHAKES_PER_MINUTE: int(600, 'Attempts to open a WebSocket per address; 0: no limit'),
  WS_MAX_FRAMES_PER_SECOND: int(100, 'Frames per socket before it is closed as flooding; 0: no limit'),
  WS_HEARTBEAT_INTERVAL: int(30, 'Seconds between pings; a socket that misses two is closed', 1, 3600),
  WS_MAX_CONNECTIONS: int(20_000, 'Sockets per process; 0: no limit'),
  WS_MAX_CONNECTIONS_PER_USER: int(20, 'Sockets of one user per process; 0: no limit'),
  WS_MAX_CONNECTIONS_PER_ADDRESS: int(200, 'Sockets from one address per process; 0: no limit'),
  WS_MAX_BUFFERED_BYTES: int(1_048_576, 'Unsent bytes after which a socket is closed as too slow', 65_536),
  MAX_MESSAGE_LENGTH: int(4000, 'Characters of a message', 1, 10_000),
  MAX_ATTACHMENTS: int(5, 'Files of a message', 1, 20),
  MAX_FILE_SIZE: int(10_485_760, 'Bytes of an uploaded file', 1),
  ALLOWED_FILE_TYPES: text(
    DEFAULT_FILE_TYPES,
    'What may be uploaded, by what the content is, separated by commas',
    '^ *[a-z]+/[a-z0-9.+-]+ *(, *[a-z]+/[a-z0-9.+-]+ *)*$',
  ),
  UPLOAD_TIMEOUT_SECONDS: int(240, 'Seconds that an upload may take to arrive', 1, 280),
  S3_ENDPOINT: text(
    '',
    'https://… of an object storage that speaks S3; unset: files are kept under DATA_DIR, which several nodes must then share',
    '^$|^https?://[^/?#\\s]+$',
  ),
  S3_BUCKET: text('', 'Bucket of the files, addressed by path', '^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
  S3_ACCESS_KEY_ID: text('', 'Key of the object storage'),
  S3_SECRET_ACCESS_KEY: text('', 'Its secret'),
  S3_REGION: text('us-east-1', 'Its region', '\\S'),
  CONTENT_BLOCKLIST: bool('true refuses English swear words in messages and names'),
  CONTENT_WORDS: text(
    '',
    'Words and phrases that no message and no name may have, separated by commas; * stands for the rest of a word',
  ),
  ARCHIVE_AFTER_DAYS: int(
    0,
    'Days after which what happened in conversations leaves Redis for compressed files beside those of attachments, and is read from there; 0: never',
    0,
    36_500,
  ),
  EDIT_WINDOW_SECONDS: int(300, 'How long who wrote a message may edit it; 0: for ever'),
  DELETE_WINDOW_SECONDS: int(3600, 'How long who wrote a message may delete it, if no admin; 0: for ever'),
  PUSH_CONTACT: text(
    'mailto:postmaster@localhost',
    'Whom push services may turn to about this server: a mailto: or https: address',
    '^(mailto:|https://)\\S+$',
  ),
  WEBHOOK_ALLOW_PRIVATE: bool('Webhooks and pushes may go to private addresses, as those of the own network'),
  OPENTELEMETRY: bool(
    'true makes spans by OpenTelemetry, for the SDK that is loaded with the program (`node --import`)',
  ),
  LOG_LEVEL: text('info', 'error, warn, info or debug', '^(error|warn|info|debug)$'),
  LOG_FILE: text(
    '',
    'Also log to this file, kept to five of 10 MB; each of several workers to one of its own, with its number behind the name',
  ),
});

/** The table as data, for the documents generated from it. */
export const described: Readonly<Record<string, { description: string; default: string | number | boolean }>> =
  JSON.parse(JSON.stringify(settings.properties));

type Settings = Static<typeof settings>;
export type Role = 'api' | 'gateway' | 'projector';
export type Config = Readonly<
  Omit<
    Settings,
    | 'ROLES'
    | 'CORS_ORIGINS'
    | 'REDIS_CLUSTER_NODES'
    | 'ADMIN_USERNAMES'
    | 'DEFAULT_CHANNELS'
    | 'ALLOWED_FILE_TYPES'
    | 'CONTENT_WORDS'
  >
> & {
  readonly ROLES: ReadonlySet<Role>;
  readonly CORS_ORIGINS: readonly string[];
  readonly ADMIN_USERNAMES: readonly string[];
  readonly DEFAULT_CHANNELS: readonly string[];
  readonly ALLOWED_FILE_TYPES: ReadonlySet<string>;
  readonly CONTENT_WORDS: readonly string[];
  readonly REDIS_CLUSTER_NODES: readonly { host: string; port: number }[];
};

export class ConfigError extends Error {}

/** The settings of a server. Throws `ConfigError` as `readSettings` does, and for a secret that it lacks. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const config = readSettings(environment);
  if ((config.REDIS_URL || config.REDIS_CLUSTER_NODES.length > 0) && !config.SECRET_KEY) {
    throw new ConfigError(
      'SECRET_KEY must be set (32 characters or more, the same on every node) when Redis is not the private one',
    );
  }
  return config;
}

/** Reads, checks and freezes the settings, for whoever signs no tokens. Throws `ConfigError` with one line per wrong setting. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Config {
  const known = Object.keys(settings.properties);
  const given = Object.fromEntries(known.flatMap((k) => (environment[k] === undefined ? [] : [[k, environment[k]]])));
  let values: Settings;
  try {
    values = envSchema<Settings>({ schema: settings, data: given, dotenv: false, env: false });
  } catch (error) {
    throw new ConfigError(explain(error));
  }
  if (values.REDIS_URL && values.REDIS_CLUSTER_NODES) {
    throw new ConfigError('REDIS_URL and REDIS_CLUSTER_NODES are both set: set one');
  }
  const missing = (['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const).find((name) => !values[name]);
  if (values.S3_ENDPOINT && missing) throw new ConfigError(`${missing} must be set beside S3_ENDPOINT`);
  const words = listOf(values.CONTENT_WORDS);
  const noWord = words.find((word) => !/[\p{L}\p{N}\p{S}]/u.test(word));
  if (noWord !== undefined)
    throw new ConfigError(`CONTENT_WORDS: ${noWord} has no letter, digit or sign to be found by`);
  return Object.freeze({
    ...values,
    ROLES: new Set(listOf(values.ROLES) as Role[]),
    CORS_ORIGINS: originsOf(values.CORS_ORIGINS),
    ALLOWED_FILE_TYPES: new Set(listOf(values.ALLOWED_FILE_TYPES)),
    ADMIN_USERNAMES: listOf(values.ADMIN_USERNAMES),
    CONTENT_WORDS: words,
    DEFAULT_CHANNELS: listOf(values.DEFAULT_CHANNELS.normalize('NFC')),
    REDIS_CLUSTER_NODES: listOf(values.REDIS_CLUSTER_NODES).map((node) => ({
      host: node.slice(0, node.lastIndexOf(':')),
      port: Number(node.slice(node.lastIndexOf(':') + 1)),
    })),
  });
}

/** What stands between commas, without blanks around it; what is empty is nothing. */
const listOf = (list: string): string[] => list.split(',').flatMap((one) => one.trim() || []);

/** Browsers send an origin as scheme, host and port, and it is compared as text: one with a path would never fit. */
function originsOf(list: string): string[] {
  const origins = listOf(list);
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
  if (wrong !== undefined)
    throw new ConfigError(
      `CORS_ORIGINS: ${wrong} is not an origin as https://chat.example.com or http://localhost:3000`,
    );
  return origins;
}

/** The redis-server that the environment names, for whoever starts one without being a server, as tests do. */
export const redisServer = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment['REDIS_SERVER'] || REDIS_SERVER;

/** The text of `.env.example`: every setting, commented out, with its default. */
export function envExample(): string {
  const lines = Object.entries(described).map(([name, s]) => `# ${s.description}\n# ${name}=${s.default}\n`);
  return `# Every setting with its default. Copy to .env and uncomment what you change.\n\n${lines.join('\n')}`;
}

/** The README's table of settings, between the marks that `scripts/env-example.ts` looks for. */
export function settingsTable(): string {
  const rows = Object.entries(described).map(
    ([name, s]) => `| \`${name}\` | ${s.default === '' ? '' : `\`${s.default}\``} | ${s.description} |`,
  );
  return [
    '<!-- settings -->',
    '',
    '| Setting | Default | What |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '<!-- /settings -->',
  ].join('\n');
}

function explain(error: unknown): string {
  const errors = (error as { errors?: { instancePath: string; message?: string; params: { pattern?: string } }[] })
    .errors;
  if (!errors) return String(error);
  return errors
    .map((e) => {
      const name = e.instancePath.slice(1);
      return `${name} ${e.params.pattern ? `is not of the right form` : e.message} (${described[name]?.description})`;
    })
    .join('\n');
}

/** What advice cannot hold: the direction of imports, one name for a command, the sizes of files, the generated documents. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { breakages } from '../scripts/documents/breakages.ts';
import { clientTypes } from '../scripts/documents/client-types.ts';
import { documents } from '../scripts/documents/made.ts';
import { eventsDocument } from '../scripts/events-document.ts';
import { events, projections } from '../src/chat/index.ts';
import { ConfigError, described, envExample, readConfig, settingsTable } from '../src/config.ts';
import { catalogue } from '../src/errors.ts';
import { loadScripts } from '../src/log/scripts.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'))
    .map((file) => join(folder, file));
}

const sources = filesUnder('src', '.ts').filter((file) => !file.endsWith('.d.ts'));
const SHARED = ['src/config.ts', 'src/errors.ts', 'src/keys.ts', 'src/envelope.ts'];

/** The room of a file: a folder of src, or the file itself at the top. */
const room = (file: string): string => file.split('/').slice(0, 2).join('/');

/** Which rooms a room may import, besides itself and npm. */
const allowed: Record<string, readonly string[]> = {
  'src/addresses.ts': [],
  'src/bearer.ts': [],
  'src/errors.ts': [],
  'src/keys.ts': [],
  'src/config.ts': [],
  'src/logger.ts': ['src/config.ts'],
  'src/secret.ts': ['src/config.ts'],
  'src/randomness.ts': [],
  'src/envelope.ts': ['src/errors.ts', 'src/keys.ts', 'src/trace.ts'],
  'src/trace.ts': [],
  'src/tracing.ts': ['src/trace.ts', 'src/version.ts'],
  'src/log': [...SHARED, 'src/trace.ts'],
  'src/redis': ['src/config.ts'],
  'src/files': ['src/config.ts', 'src/errors.ts'],
  'src/views': [...SHARED, 'src/log'],
  'src/projector': ['src/errors.ts', 'src/envelope.ts', 'src/keys.ts', 'src/log', 'src/trace.ts', 'src/views'],
  'src/gateway': [
    'src/addresses.ts',
    'src/bearer.ts',
    'src/errors.ts',
    'src/envelope.ts',
    'src/keys.ts',
    'src/limits.ts',
    'src/log',
    'src/numbers.ts',
    'src/turns.ts',
  ],
  'src/numbers.ts': ['src/envelope.ts'],
  'src/api': [
    'src/addresses.ts',
    'src/bearer.ts',
    'src/errors.ts',
    'src/envelope.ts',
    'src/limits.ts',
    'src/numbers.ts',
    'src/trace.ts',
    'src/version.ts',
  ],
  'src/limits.ts': ['src/addresses.ts', 'src/config.ts', 'src/envelope.ts', 'src/errors.ts'],
  'src/turns.ts': [],
  'src/version.ts': [],
  'src/metrics.ts': [],
  'src/siblings.ts': [],
  'src/client': [],
  'src/outgoing.ts': [],
  'src/chat': [
    ...SHARED,
    'src/addresses.ts',
    'src/files',
    'src/limits.ts',
    'src/log',
    'src/outgoing.ts',
    'src/turns.ts',
    'src/views',
  ],
};

/** These put everything together. */
const together = [
  'src/consumer.ts',
  'src/main.ts',
  'src/server.ts',
  'src/workers.ts',
  'src/described.ts',
  'src/observed.ts',
];

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map((match) => match[1]!);
}

const localImports = (file: string): string[] =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(root, resolve(root, dirname(file), name)));

/** A clock, or something drawn at random. */
const DRAWING =
  /Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|randomUUID\(|randomBytes\(|randomFill|\bulid\(/;

describe('the house', () => {
  it('imports go one way', () => {
    const wrong = sources.flatMap((file) => {
      if (together.includes(file)) return [];
      const may = allowed[room(file)];
      if (!may) return [`${file} is in no room`];
      return localImports(file)
        .filter((target) => room(target) !== room(file) && !may.includes(room(target)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('a running server needs nothing from outside of src', () => {
    const outside = sources.flatMap((file) =>
      localImports(file)
        .filter((target) => !target.startsWith('src/'))
        .map((target) => `${file} imports ${target}`),
    );
    expect(outside).to.deep.equal([]);
  });

  it('nothing imports the composition root but the program', () => {
    const users = sources.filter((file) =>
      localImports(file).some((t) => t === 'src/server.ts' || t === 'src/main.ts'),
    );
    expect(users).to.deep.equal(['src/main.ts']);
  });

  it('clients of Redis are made in log and redis; redis-om is known to one file, the environment to one', () => {
    const using = (pattern: RegExp) => sources.filter((file) => pattern.test(read(file)));
    expect([...new Set(using(/^import \{.*from 'ioredis'/m).map(room))].toSorted()).to.deep.equal([
      'src/log',
      'src/redis',
    ]);
    const types = new Set(using(/from 'ioredis'/).map(room));
    for (const name of ['src/log', 'src/redis', 'src/views', 'src/projector']) types.delete(name);
    expect([...types]).to.deep.equal([]);
    expect(using(/from 'redis-om'/)).to.deep.equal(['src/views/entities.ts']);
    expect(using(/process\.env/)).to.deep.equal(['src/config.ts']);
  });

  it('a feature reaches into another only for its contract, and contracts go one way', () => {
    const folderOf = (file: string) => /^src\/chat\/([a-z_-]+)\//.exec(file)?.[1];
    const features = sources.filter((file) => folderOf(file) !== undefined);
    const reaching = features.flatMap((file) =>
      localImports(file)
        .filter((target) => folderOf(target) !== undefined && folderOf(target) !== folderOf(file))
        .filter((target) => !target.endsWith('/contract.ts'))
        .map((target) => `${file} imports ${target}`),
    );
    expect(reaching).to.deep.equal([]);
    const circles: string[] = [];
    const follow = (file: string, way: readonly string[]) => {
      if (way.includes(file)) circles.push([...way, file].join(' → '));
      else
        for (const next of localImports(file).filter((f) => f.endsWith('/contract.ts'))) follow(next, [...way, file]);
    };
    for (const file of features.filter((f) => f.endsWith('/contract.ts'))) follow(file, []);
    expect(circles).to.deep.equal([]);
  });

  it('contracts are pure data: no Redis, no Koa, no sockets, no clock', () => {
    for (const file of sources.filter((f) => f.endsWith('contract.ts'))) {
      expect(DRAWING.test(read(file)), file).to.equal(false);
      const foreign = importsOf(file).filter(
        (name) => ['ioredis', 'koa', 'ws'].includes(name) || name.includes('/log/'),
      );
      expect(foreign, file).to.deep.equal([]);
    }
  });

  it('features, views and projections read no clock and draw nothing at random: both come in', () => {
    const below = sources.filter((file) => /^src\/(chat|views)\//.test(file) || file === 'src/projector/fold.ts');
    expect(below.filter((file) => DRAWING.test(read(file)))).to.deep.equal([]);
  });

  it('only who speaks with Redis and the outside knows the date: all else below api and gateway may wait, and no more', () => {
    const knowing = [
      'src/api',
      'src/client',
      'src/gateway',
      'src/log',
      'src/redis',
      'src/logger.ts',
      'src/randomness.ts',
      ...together,
    ];
    const below = sources.filter((file) => !knowing.includes(room(file)));
    expect(below.filter((file) => /Date\.now\(|new Date\(\)|Math\.random\(/.test(read(file)))).to.deep.equal([]);
  });

  it('what Redis refuses is translated in the log alone', () => {
    const translating = sources.filter((file) => /\b(asRedisFailure|translated)\(/.test(read(file)));
    expect([...new Set(translating.map(room))]).to.deep.equal(['src/log']);
  });

  it('a command appends in the name of who calls by its context, so that the door knows that it did', () => {
    const around = /actorId(: [a-z.]*caller\.userId|[^\n]*,\s*requestId)/;
    expect(sources.filter((file) => room(file) === 'src/chat' && around.test(read(file)))).to.deep.equal([]);
  });

  it('no default export, no utils, no file over 400 lines', () => {
    const all = [
      ...sources,
      ...filesUnder('lua', '.lua'),
      ...filesUnder('scripts', '.ts'),
      ...filesUnder('test', '.ts'),
    ];
    expect(all.filter((file) => /^export default/m.test(read(file)))).to.deep.equal([]);
    expect(all.filter((file) => /(^|\/)(utils?|helpers?|common)(\.|\/)/.test(file))).to.deep.equal([]);
    expect(all.filter((file) => read(file).split('\n').length > 400)).to.deep.equal([]);
  });

  it('says one version', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(read('src/version.ts')).to.include(`VERSION = '${version}'`);
  });

  it('every source says in its first lines what it is', () => {
    expect(sources.filter((file) => !read(file).startsWith('/**'))).to.deep.equal([]);
  });
});

describe('one name', () => {
  const scripts = loadScripts(new URL('../lua/', import.meta.url), 'PUBLISH');

  it('every event that a script emits is declared, and every declared one is emitted', () => {
    const emitted = new Set([...scripts.values()].flatMap((script) => script.emits));
    expect([...emitted].toSorted()).to.deep.equal(events.map((e) => `${e.type}/${e.version}`).toSorted());
  });

  it('every script is named in the source, and every script that is named is there; no library is left over', () => {
    const text = sources.map(read).join('\n');
    expect([...scripts.keys()].filter((name) => !text.includes(`'${name}'`))).to.deep.equal([]);
    const named = text.matchAll(/(?:script: |\b(?:run|runAt|ask|collection)\()'([a-z_.]+)'/g);
    expect([...new Set([...named].map((match) => match[1]!))].filter((name) => !scripts.has(name))).to.deep.equal([]);
    const included = filesUnder('lua', '.lua').flatMap(
      (file) => /^-- INCLUDE +(.*)$/m.exec(read(file))?.[1]?.split(' ') ?? [],
    );
    const libraries = filesUnder('lua/lib', '.lua').map((file) => basename(file, '.lua'));
    // This one the loader puts around every script that appends.
    included.push('taken');
    expect(libraries.toSorted()).to.deep.equal([...new Set(included)].toSorted());
  });

  it('every event type is past tense of two words, every projection has a name of its own', () => {
    for (const { type } of events) expect(type).to.match(/^[a-z_]+\.[a-z_]*(ed|sent|read|left)$/);
    expect(new Set(projections.map((p) => p.name)).size).to.equal(projections.length);
  });

  it('every code that the source fails with is in the catalogue', () => {
    const used = sources.flatMap((file) => [...read(file).matchAll(/\bfail\('([a-z_]+)'/g)].map((match) => match[1]!));
    expect(used.filter((code) => !Object.hasOwn(catalogue, code))).to.deep.equal([]);
  });
});

describe('documents', () => {
  it('docs/events.md is what the contracts make: npm run events-doc', () => {
    expect(read('docs/events.md')).to.equal(eventsDocument());
  });

  it('docs/openapi.json and docs/asyncapi.json are what the contracts make, and break no client: npm run documents', () => {
    for (const [name, made] of Object.entries(documents())) {
      const kept = JSON.parse(read(`docs/${name}`)) as object;
      expect(breakages(kept, made), `${name} would break clients`).to.deep.equal([]);
      expect(JSON.stringify(made) === JSON.stringify(kept), `docs/${name} is not what the contracts make now`).to.equal(
        true,
      );
    }
  });
});

describe('the client library', () => {
  it('its types are what the documents make: npm run documents', () => {
    expect(read('src/client/protocol.d.ts')).to.equal(clientTypes(documents()));
  });

  it('needs no package, and nothing of the server', () => {
    const foreign = filesUnder('src/client', '.ts').flatMap((file) =>
      importsOf(file).filter((name) => !/^\.\/[a-z-]+(\.d)?\.ts$/.test(name)),
    );
    expect(foreign).to.deep.equal([]);
  });
});

describe('settings', () => {
  it('.env.example and the README are what the table says', () => {
    expect(read('.env.example')).to.equal(envExample());
    expect(read('README.md')).to.include(settingsTable());
  });

  it('.env.example is a file of settings that starts', () => {
    const lines = envExample()
      .split('\n')
      .map((line) => /^# ([A-Z0-9_]+)=(.*)$/.exec(line));
    const environment = Object.fromEntries(lines.flatMap((match) => (match ? [[match[1]!, match[2]!]] : [])));
    expect(Object.keys(environment)).to.deep.equal(Object.keys(described));
    expect(readConfig(environment)).to.deep.equal(readConfig({}));
  });

  it('a bad value stops the start and names the setting', () => {
    const refused: Record<string, string>[] = [
      { PORT: 'http' },
      { PORT: '70000' },
      { ROLES: 'api,chef' },
      { SECRET_KEY: 'short' },
      { REDIS_URL: 'localhost' },
      { REDIS_CLUSTER_NODES: 'a,b' },
      { ACCESS_TOKEN_EXPIRE_MINUTES: '0' },
      { LOG_LEVEL: 'loud' },
      { CORS_ORIGINS: 'https://a.example, b.example' },
      { CORS_ORIGINS: 'https://a.example/chat' },
      { CORS_ORIGINS: 'https://a.example/' },
      { CORS_ORIGINS: '*' },
      { DEFAULT_CHANNELS: 'a,,b' },
      { DEFAULT_CHANNELS: 'x'.repeat(101) },
      { ALLOWED_FILE_TYPES: 'png' },
      { S3_ENDPOINT: 's3.example.com' },
      { S3_ENDPOINT: 'https://s3.example.com' },
    ];
    for (const environment of refused) {
      expect(() => readConfig(environment)).to.throw(ConfigError, Object.keys(environment)[0]);
    }
    expect(() => readConfig({ REDIS_URL: 'redis://localhost' })).to.throw(ConfigError, 'SECRET_KEY');
    const both = { REDIS_URL: 'redis://a', REDIS_CLUSTER_NODES: 'a:1', SECRET_KEY: 'x'.repeat(32) };
    expect(() => readConfig(both)).to.throw(ConfigError, 'set one');
    const { DEFAULT_CHANNELS } = readConfig({ DEFAULT_CHANNELS: ' general ,Off Topic' });
    expect(DEFAULT_CHANNELS).to.deep.equal(['general', 'Off Topic']);
    const origins = readConfig({ CORS_ORIGINS: ' https://a.example , http://localhost:3000,' }).CORS_ORIGINS;
    expect(origins).to.deep.equal(['https://a.example', 'http://localhost:3000']);
  });
});

/** The WebSocket's protocol as a page to read, made from its AsyncAPI document: nothing stands here that does not stand there. */
interface Told {
  readonly info: { readonly description: string };
  readonly channels: Readonly<
    Record<string, { address: string; description: string; 'x-handshake-errors': Row[]; 'x-close-codes': Row[] }>
  >;
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly securitySchemes: Readonly<Record<string, { description: string }>>;
  };
}
type Row = Readonly<Record<string, string | number | boolean>>;
interface Message {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly { readonly name: string }[];
  readonly payload: object;
  readonly examples: readonly { readonly payload: unknown }[];
}

const PARTS: Readonly<Record<string, string>> = {
  command: 'Commands',
  answer: 'Answers',
  session: 'Frames of the session',
  event: 'Events',
  signal: 'Signals',
};

export function socketPage(document: object): string {
  const { info, channels, components } = document as Told;
  const [channel] = Object.values(channels);
  const messages = Object.values(components.messages);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />',
    '<title>Rill: the WebSocket</title><link rel="icon" href="/client/icon.svg" type="image/svg+xml" />',
    `<style>${STYLE}</style></head><body><main><h1>The WebSocket</h1>`,
    `<p>${prose(info.description)}</p>`,
    `<p>The same for programs: <a href="/asyncapi.json">/asyncapi.json</a>. REST: <a href="/redoc">/redoc</a>.</p>`,
    `<nav>${Object.entries(PARTS)
      .map(([tag, title]) => `<a href="#${tag}s">${title}</a>`)
      .join(' · ')}</nav>`,
    '<h2>Opening</h2>',
    ...Object.values(channels).map(
      (one) => `<p><code>GET ${escaped(one.address)}</code> ${prose(one.description)}</p>`,
    ),
    '<p>Who opens it says so by one of:</p><ul>',
    ...Object.entries(components.securitySchemes).map(
      ([name, { description }]) => `<li>${name}: ${prose(description)}</li>`,
    ),
    '</ul><p>A handshake is refused by HTTP:</p>',
    table(['status', 'code', 'title'], channel!['x-handshake-errors']),
    '<h2>Closing</h2>',
    table(['code', 'text', 'come_back'], channel!['x-close-codes']),
    ...Object.entries(PARTS).flatMap(([tag, title]) => [
      `<h2 id="${tag}s">${title}</h2>`,
      ...messages.filter(({ tags }) => tags[0]?.name === tag).map(section),
    ]),
    '</main></body></html>',
    '',
  ].join('\n');
}

function section({ name, summary, payload, examples }: Message): string {
  return [
    `<h3 id="${escaped(name)}"><a href="#${escaped(name)}">${escaped(name)}</a></h3><p>${prose(summary)}</p>`,
    ...examples.map((example) => `<pre>${escaped(JSON.stringify(example.payload, undefined, 2))}</pre>`),
    `<details><summary>Schema</summary><pre>${escaped(JSON.stringify(payload, undefined, 2))}</pre></details>`,
  ].join('\n');
}

const table = (fields: readonly string[], rows: readonly Row[]): string =>
  [
    `<table><tr>${fields.map((field) => `<th>${escaped(field.replaceAll('_', ' '))}</th>`).join('')}</tr>`,
    ...rows.map((row) => `<tr>${fields.map((field) => `<td>${prose(worded(row[field]))}</td>`).join('')}</tr>`),
    '</table>',
  ].join('\n');

const worded = (value: Row[string] | undefined): string =>
  value === true ? 'yes' : value === false ? 'no' : String(value ?? '');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (words: string): string => words.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign]!);
const prose = (words: string): string => escaped(words).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

const STYLE = [
  'body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1d2330;background:#fff}main{max-width:52rem;margin:0 auto;padding:1rem}',
  'pre{background:#f3f5f9;padding:.75rem;border-radius:6px;overflow:auto}code{background:#f3f5f9;padding:.1em .25em;border-radius:3px}',
  'table{border-collapse:collapse}td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top;border-bottom:1px solid #dfe3eb}',
  'h3 a{color:inherit;text-decoration:none}',
  '@media(prefers-color-scheme:dark){body{color:#e6e9f0;background:#14171f}pre,code{background:#1f2430}a{color:#8ab4ff}}',
].join('');

/**
 * What of a newer document would break a client that was written by the older one: something that it calls or waits for is gone, it must
 * send what it does not know of, it may not send what it did, or it gets what it was never told of. More than before is no breakage.
 */
import type { Document, Media, Operation, Schema } from './document.ts';

/** Who writes what a schema describes: it may ask for less of the client's, and give more of its own. */
type Writer = 'client' | 'server';

export function breakages(older: object, newer: object): string[] {
  const comparison = new Comparison(older as Document, newer as Document);
  comparison.operations();
  comparison.messages();
  return comparison.found;
}

class Comparison {
  readonly found: string[] = [];
  private readonly older: Document;
  private readonly newer: Document;
  /** Pairs of names that are being looked at, or were. */
  private readonly seen = new Set<string>();

  constructor(older: Document, newer: Document) {
    this.older = older;
    this.newer = newer;
  }

  operations(): void {
    for (const [path, methods] of Object.entries(this.older.paths ?? {}))
      for (const [method, was] of Object.entries(methods)) {
        const at = `${method.toUpperCase()} ${path}`;
        const is = this.newer.paths?.[path]?.[method];
        if (!is) this.found.push(`${at} is gone`);
        else this.operation(at, was, is);
      }
  }

  messages(): void {
    const after = this.newer.components.messages ?? {};
    for (const [name, was] of Object.entries(this.older.components.messages ?? {})) {
      const is = after[name];
      if (!is) this.found.push(`${name} is gone`);
      else this.schema(name, was.payload, is.payload, was.tags[0]?.name === 'command' ? 'client' : 'server');
    }
    for (const [name, was] of Object.entries(this.older.channels ?? {})) {
      const is = this.newer.channels?.[name];
      if (!is) this.found.push(`the channel ${name} is gone`);
      const codes = is?.['x-close-codes'].map(({ code }) => code) ?? [];
      for (const { code } of was['x-close-codes'])
        if (is && !codes.includes(code)) this.found.push(`the close code ${code} is gone`);
    }
  }

  private operation(at: string, was: Operation, is: Operation): void {
    if (was.operationId !== is.operationId) this.found.push(`${at}: ${was.operationId} is called ${is.operationId}`);
    const parameters = new Map((is.parameters ?? []).map((one) => [`${one.in} ${one.name}`, one]));
    const known = new Set<string>();
    for (const before of was.parameters ?? []) {
      const name = `${before.in} ${before.name}`;
      const after = parameters.get(name);
      known.add(name);
      if (!after) this.found.push(`${at}: the parameter ${before.name} is gone`);
      else this.schema(`${at} ?${before.name}`, before.schema, after.schema, 'client');
      if (after?.required && !before.required) this.found.push(`${at}: the parameter ${before.name} is needed now`);
    }
    for (const [name, after] of parameters)
      if (after.required && !known.has(name)) this.found.push(`${at}: needs the new parameter ${after.name}`);
    if (is.requestBody?.required && !was.requestBody?.required) this.found.push(`${at}: needs a body now`);
    if (was.requestBody && !is.requestBody) this.found.push(`${at}: takes no body any more`);
    this.media(`${at} body`, was.requestBody, is.requestBody, 'client');
    for (const [status, before] of Object.entries(was.responses)) {
      if (!status.startsWith('2')) continue;
      if (!is.responses[status]) this.found.push(`${at}: never answers ${status} any more`);
      this.media(`${at} ${status}`, before, is.responses[status], 'server');
    }
  }

  private media(at: string, was: Media | undefined, is: Media | undefined, writer: Writer): void {
    for (const [type, { schema }] of Object.entries(was?.content ?? {})) {
      const after = is?.content?.[type];
      if (is && !after) this.found.push(`${at}: ${type} is gone`);
      else if (after) this.schema(at, schema, after.schema, writer);
    }
  }

  private schema(at: string, before: Schema, after: Schema, writer: Writer): void {
    const pair = `${before.$ref} ${after.$ref} ${writer}`;
    if (before.$ref && after.$ref) {
      if (this.seen.has(pair)) return;
      this.seen.add(pair);
    }
    const was = resolved(this.older, before);
    const is = resolved(this.newer, after);
    const place = before.$ref && after.$ref ? before.$ref.slice('#/components/schemas/'.length) : at;
    // What the one who reads may get must be what they were told of.
    const [told, given] = writer === 'server' ? [was, is] : [is, was];
    // Errors get new codes: a client looks at the status of one that it does not know.
    if (place.endsWith('.code')) return;
    const strange = kindsOf(given).filter((kind) => !isAmong(kind, kindsOf(told)));
    if (strange.length > 0)
      this.found.push(`${place}: ${writer === 'server' ? 'may be' : 'may no longer be'} ${strange.join(', ')}`);
    this.fields(place, was, is, writer);
    if (was.items && is.items) this.schema(`${place}[]`, was.items, is.items, writer);
    this.alternatives(place, was, is, writer);
  }

  private fields(place: string, was: Schema, is: Schema, writer: Writer): void {
    const after = is.properties ?? {};
    for (const [field, before] of Object.entries(was.properties ?? {})) {
      if (!after[field]) this.found.push(`${place}.${field} is gone`);
      else this.schema(`${place}.${field}`, before, after[field], writer);
    }
    const [needs, had] = writer === 'server' ? [was.required, is.required] : [is.required, was.required];
    for (const field of needs ?? [])
      if (!(had ?? []).includes(field) && (writer === 'client' || after[field]))
        this.found.push(`${place}.${field} ${writer === 'server' ? 'may be missing' : 'is needed now'}`);
  }

  /** The objects among several, in their order. */
  private alternatives(place: string, was: Schema, is: Schema, writer: Writer): void {
    const objects = ({ anyOf = [] }: Schema, of: Document) => anyOf.filter((one) => resolved(of, one).properties);
    const after = objects(is, this.newer);
    for (const [i, before] of objects(was, this.older).entries())
      if (after[i]) this.schema(place, before, after[i], writer);
  }
}

function resolved(document: Document, schema: Schema): Schema {
  if (!schema.$ref) return schema;
  const found = document.components.schemas[schema.$ref.split('/').at(-1)!];
  return found ? resolved(document, found) : schema;
}

/** What a value may be: values where they are named, else types; nothing where anything goes. */
function kindsOf(schema: Schema): string[] {
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value));
  if (schema.anyOf && !schema.properties) return schema.anyOf.flatMap((one) => (one.$ref ? ['object'] : kindsOf(one)));
  return schema.type === undefined ? [] : [schema.type].flat();
}

/** A named value is among the kinds by itself or by its type. */
function isAmong(kind: string, kinds: readonly string[]): boolean {
  if (kinds.length === 0 || kinds.includes(kind)) return true;
  if (kind === 'integer') return kinds.includes('number');
  if (kind.startsWith('"')) return kinds.includes('string');
  return (kind === 'true' || kind === 'false') && kinds.includes('boolean');
}

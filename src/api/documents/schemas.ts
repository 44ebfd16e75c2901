/**
 * Schemas as the documents show them: those that have a name stand once, under it, and are referred to; what only our own checks read is
 * left out.
 */
import { exampleOf } from './example.ts';
import type { Schema } from './example.ts';

/** What our own checks say of what does not fit. A field may have the same name, and is no text. */
const isOurs = (field: string, value: unknown): boolean => field === 'words' && typeof value === 'string';

export class Schemas {
  private readonly names: ReadonlyMap<string, string>;
  private readonly used = new Map<string, object>();

  constructor(named: Readonly<Record<string, object>>) {
    this.names = new Map(Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), name]));
  }

  /** As it stands in a document. */
  of(schema: object): object {
    return this.shown(schema) as object;
  }

  /** With an example, of what was given and not of what is shown. */
  media(schema: object): object {
    return { schema: this.of(schema), example: exampleOf(schema as Schema) };
  }

  /** Those that are referred to. */
  get components(): Record<string, object> {
    return Object.fromEntries([...this.used].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  private shown(part: unknown): unknown {
    if (Array.isArray(part)) return part.map((one) => this.shown(one));
    if (typeof part !== 'object' || part === null) return part;
    const name = this.names.get(JSON.stringify(part));
    if (name === undefined) return this.plain(part);
    // What refers to itself must find itself here.
    if (!this.used.has(name)) {
      this.used.set(name, {});
      this.used.set(name, this.plain(part));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  private plain(part: object): object {
    const fields = Object.entries(part).filter(([field, value]) => !isOurs(field, value));
    return Object.fromEntries(fields.map(([field, value]) => [field, this.shown(value)]));
  }
}

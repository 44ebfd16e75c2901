/** From the bytes of an entry to an event of the newest version, by what features declare. */
import { ajv, fieldErrors } from '../envelope.ts';
import type { ChatEvent, Decode, EventDefinition, RawEvent } from '../envelope.ts';

/**
 * Builds the one way from stored bytes to an event of the newest version. The decoder throws, with the reason, on broken JSON, an
 * unknown type, a version from the future and data that is not what the definition says: a projector parks such an event.
 */
export function eventDecoder(definitions: readonly EventDefinition[]): Decode {
  const known = new Map(definitions.map((d) => [d.type, { ...d, fits: ajv.compile(d.data) }]));
  /** Several views and reactors of one process ask for the same event. It is shared: nobody may change it. */
  const decoded = new WeakMap<RawEvent, ChatEvent>();
  const decode = (raw: RawEvent): ChatEvent => {
    const before = decoded.get(raw);
    if (before) return before;
    const event = lifted(raw);
    decoded.set(raw, event);
    return event;
  };
  const lifted = (raw: RawEvent): ChatEvent => {
    const definition = known.get(raw.type);
    if (!definition) throw new Error(`unknown event type ${raw.type}`);
    const event = parsed(raw);
    if (event.type !== raw.type) throw new Error(`entry says ${raw.type}, its event says ${event.type}`);
    if (!Number.isInteger(event.version)) throw new Error(`${raw.type} has no version`);
    if (event.version > definition.version)
      throw new Error(`${raw.type} has version ${event.version}, newer than known`);
    let data = event.data;
    for (let v = event.version; v < definition.version; v += 1) {
      data = (definition.upcasts?.[v] as ((data: unknown) => unknown) | undefined)?.(data) ?? data;
    }
    if (!definition.fits(data))
      throw new Error(`${raw.type} ${fieldErrors(definition.fits.errors, '/data')[0]?.message}`);
    return data === event.data ? event : { ...event, version: definition.version, data };
  };
  return Object.assign(decode, { knows: (type: string) => known.has(type) });
}

/** The parser's own error would show what people wrote, to whoever reads why an event stands still. */
function parsed({ type, json }: RawEvent): ChatEvent {
  try {
    return JSON.parse(json.toString('utf8')) as ChatEvent;
  } catch {
    throw new Error(`${type} is not JSON`);
  }
}

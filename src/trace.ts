/**
 * The W3C trace context as it travels here: a text that comes with a request, is stored with the event, and is the parent of whatever that
 * brings about. And what a part of the program may say of its own work to whoever collects traces. Pure: who collects them is elsewhere.
 */

const PARTS = '[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}';
/** As the version says that is known; a header of a later one may be longer, and begins like this. */
export const TRACEPARENT = `^(?!ff)${PARTS}$`;
const HEADER = new RegExp(`^(?!ff)(${PARTS})(-.*)?$`);
const KNOWN_VERSION = '00-';
const IN_EVENT = new RegExp(`^\\{[^{]*"traceparent":"(${PARTS})"`);
/** Longer than what an event has before its data. */
const HEAD_BYTES = 400;

/** What a header says; undefined for one that says nothing, which counts as none, as the recommendation has it. */
export function traceparentOf(header: string): string | undefined {
  const [, parts, more] = HEADER.exec(header) ?? [];
  return more !== undefined && parts?.startsWith(KNOWN_VERSION) ? undefined : parts;
}

/** What was stored with an event, read off its first bytes. */
export const traceparentIn = ({ json }: { readonly json: Buffer }): string | undefined =>
  IN_EVENT.exec(json.toString('latin1', 0, HEAD_BYTES))?.[1];

export interface Span {
  /** What is a child of this span has it as its parent. Undefined where nobody collects it. */
  readonly traceparent: string | undefined;
  /** 'ok', or why not. */
  end(outcome: string): void;
}

/** Begins a piece of work, below the parent where there is one; `since` is Unix ms where it began before. */
export type BeginSpan = (
  name: string,
  parent: string | undefined,
  about: Readonly<Record<string, string>>,
  since?: number,
) => Span;

/** A span for each of these events that came with a trace: from now on, or from the event's own time. */
export const spansOf = (
  begin: BeginSpan,
  name: string,
  events: readonly { readonly id: string; readonly type: string; readonly json: Buffer }[],
  from: 'now' | 'event' = 'now',
): Span[] =>
  events.flatMap((event) => {
    const parent = traceparentIn(event);
    if (parent === undefined) return [];
    const about = { event_id: event.id, event_type: event.type };
    return [begin(name, parent, about, from === 'event' ? Number.parseInt(event.id, 10) : undefined)];
  });

/** Ends the span with the work. */
export async function traced<T>(span: Span, work: Promise<T>): Promise<T> {
  let outcome = 'failed';
  try {
    const result = await work;
    outcome = 'ok';
    return result;
  } finally {
    span.end(outcome);
  }
}

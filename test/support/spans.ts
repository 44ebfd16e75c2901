/** Whoever collects spans, as an SDK of OpenTelemetry would be: kept in memory, in the order in which they began. */
import { randomBytes } from 'node:crypto';
import { trace } from '@opentelemetry/api';
import type { Attributes, Span, SpanContext, TracerProvider } from '@opentelemetry/api';

export interface Collected {
  readonly name: string;
  readonly context: SpanContext;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
  isOver: boolean;
  failure: string | undefined;
}

/** Collects from now on until `stop`. */
export function collectSpans(): { readonly spans: Collected[]; readonly stop: () => void } {
  const spans: Collected[] = [];
  const hex = (bytes: number) => randomBytes(bytes).toString('hex');
  const provider = {
    getTracer: () => ({
      startSpan(
        name: string,
        { attributes = {} }: { attributes?: Attributes },
        below: Parameters<typeof trace.getSpan>[0],
      ) {
        const parent = trace.getSpanContext(below);
        const context = { traceId: parent?.traceId ?? hex(16), spanId: hex(8), traceFlags: 1 };
        const one: Collected = { name, context, parent: parent?.spanId, attributes, isOver: false, failure: undefined };
        spans.push(one);
        return {
          spanContext: () => context,
          setStatus: ({ message }: { message?: string }) => void (one.failure = message),
          end: () => void (one.isOver = true),
        } as unknown as Span;
      },
    }),
  };
  trace.setGlobalTracerProvider(provider as unknown as TracerProvider);
  return { spans, stop: () => trace.disable() };
}

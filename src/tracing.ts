/**
 * Traces by OpenTelemetry's API: whoever loads an SDK with the program (`node --import`) gets spans, and without one the API does nothing.
 * Refuses to know an exporter, to configure one, or to say anything of a user or of what people wrote.
 */
import { context, isSpanContextValid, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import type { BeginSpan } from './trace.ts';
import { VERSION } from './version.ts';

export function openTelemetry(): BeginSpan {
  const tracer = trace.getTracer('rill', VERSION);
  return (name, parent, about, since) => {
    const attributes = Object.fromEntries(Object.entries(about).map(([key, value]) => [`chat.${key}`, value]));
    const startTime = since === undefined ? {} : { startTime: since };
    const span = tracer.startSpan(name, { attributes, ...startTime }, below(parent));
    const { traceId, spanId, traceFlags } = span.spanContext();
    const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
    return {
      traceparent: isSpanContextValid(span.spanContext()) ? `00-${traceId}-${spanId}-${flags}` : parent,
      end(outcome) {
        if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
        span.end();
      },
    };
  };
}

function below(parent: string | undefined): Context {
  const [, traceId, spanId, flags] = parent?.split('-') ?? [];
  // Somebody's instrumentation of HTTP may have begun one.
  if (traceId === undefined || spanId === undefined) return context.active();
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: parseInt(flags ?? '', 16) & TraceFlags.SAMPLED,
    isRemote: true,
  });
}

import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { ATTRIBUTES, SPAN_PREFIX } from './metrics.js';

/** What an event carries along; `CacheEventsModule` gives it as `event.headers`. */
export interface TracedEvent {
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The trace of whoever emits, for `CacheEventsModule.forRoot({ headers: traceHeaders })` and `new Outbox({ headers: traceHeaders })`: what the
 * registered propagator writes, which is W3C trace context unless it was replaced. Undefined outside a trace.
 */
export function traceHeaders(): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return Object.keys(headers).length === 0 ? undefined : headers;
}

/**
 * Works on an event inside the trace it came with, for `CacheEventsModule.forRoot({ around: continueTrace })`. Headers that are no trace
 * context begin a new one.
 */
export function continueTrace(event: TracedEvent, run: () => Promise<void>): Promise<void> {
  const sender = propagation.extract(context.active(), event.headers ?? {});
  const tracer = trace.getTracer('@strata-cache/otel');
  const attributes = { [ATTRIBUTES.event]: event.type };
  const span = tracer.startSpan(`${SPAN_PREFIX}event`, { kind: SpanKind.CONSUMER, attributes }, sender);
  return context.with(trace.setSpan(sender, span), run).then(
    () => span.end(),
    (error: unknown) => {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      throw error;
    },
  );
}

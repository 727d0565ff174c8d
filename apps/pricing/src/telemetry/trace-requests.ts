import type { IncomingMessage, ServerResponse } from 'node:http';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

type Routed = IncomingMessage & { readonly baseUrl?: string; readonly route?: { readonly path?: unknown } };

/**
 * A span per request, for `app.use`: everything the request does belongs to it, and it to the caller's trace (W3C trace context). Its name
 * has the route, never the path: `/products/42` names a row, and a path may name a person.
 */
export function traceRequests(request: Routed, response: ServerResponse, next: () => void): void {
  const method = request.method ?? 'GET';
  const caller = propagation.extract(context.active(), request.headers);
  const attributes = { 'http.request.method': method };
  const span = trace.getTracer('pricing').startSpan(method, { kind: SpanKind.SERVER, attributes }, caller);
  response.once('close', () => {
    const route = request.route?.path;
    if (typeof route === 'string') {
      span.updateName(`${method} ${request.baseUrl ?? ''}${route}`);
      span.setAttribute('http.route', `${request.baseUrl ?? ''}${route}`);
    }
    span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  context.with(trace.setSpan(caller, span), next);
}

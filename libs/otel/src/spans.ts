import { context, SpanStatusCode, trace, type Attributes, type Span, type Tracer } from '@opentelemetry/api';
import type { Operation } from '@strata-cache/core';
import { ATTRIBUTES, SPAN_PREFIX } from './metrics.js';

/** Makes a span of each operation, inside the one that is active: a request, a message, or another operation. */
export class Spans {
  readonly #tracer: Tracer;
  readonly #includeKeys: boolean;

  constructor(tracer: Tracer, includeKeys: boolean) {
    this.#tracer = tracer;
    this.#includeKeys = includeKeys;
  }

  around<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    // A request that is not sampled has no spans, and its operations none either.
    if (trace.getActiveSpan()?.isRecording() === false) {
      return run();
    }
    const span = this.#tracer.startSpan(SPAN_PREFIX + operation.kind, { attributes: this.#attributesOf(operation) });
    const result = context.with(trace.setSpan(context.active(), span), run);
    // Not sampled, or nobody collects: what is inside must know, but there is nothing to end.
    if (!span.isRecording()) {
      return result;
    }
    return result.then(
      (value) => {
        end(span, operation);
        return value;
      },
      (error: unknown) => {
        // Neither message nor stack: what a loader throws may name the key, and the user behind it.
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttribute(ATTRIBUTES.errorType, typeOf(error));
        end(span, operation);
        throw error;
      },
    );
  }

  #attributesOf({ cache, key, background }: Operation): Attributes {
    const attributes: Attributes = {};
    if (cache !== '') attributes[ATTRIBUTES.cache] = cache;
    if (background === true) attributes[ATTRIBUTES.background] = true;
    if (this.#includeKeys && key !== undefined) attributes[ATTRIBUTES.key] = key;
    return attributes;
  }
}

function end(span: Span, { outcome }: Operation): void {
  if (outcome !== undefined) {
    span.setAttribute(ATTRIBUTES.outcome, outcome);
  }
  span.end();
}

/** The code of an error, such as `ECONNREFUSED`, or the name of its class. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error;
  }
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.constructor.name;
}

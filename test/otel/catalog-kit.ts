import { randomBytes } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { startTracing } from '../../apps/catalog/src/telemetry/tracing.js';
import { eventually } from '../support/eventually.js';

/** Spans of this process, as the catalogue's own tracing makes them. */
export class SpanLog {
  readonly #exporter = new InMemorySpanExporter();
  readonly close = startTracing('catalog', new SimpleSpanProcessor(this.#exporter));

  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  reset(): void {
    this.#exporter.reset();
  }

  /** The spans of one trace by name of their parent, once `count` have ended. */
  async tree(traceId: string, count: number): Promise<Record<string, string[]>> {
    const own = (): ReadableSpan[] => this.spans.filter((span) => span.spanContext().traceId === traceId);
    await eventually(() => own().length >= count, { what: `${count} spans` });
    const names = new Map(own().map((span) => [span.spanContext().spanId, span.name]));
    const tree: Record<string, string[]> = {};
    for (const { name, parentSpanContext } of own()) {
      (tree[names.get(parentSpanContext?.spanId ?? '') ?? 'caller'] ??= []).push(name);
    }
    return tree;
  }
}

/** Headers of a caller that is itself traced, and the id of its trace. */
export function traced(): { traceId: string; headers: { traceparent: string } } {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, headers: { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` } };
}

export async function baseUrl(app: INestApplication): Promise<string> {
  await app.listen(0, '127.0.0.1');
  return (await app.getUrl()).replace('[::1]', '127.0.0.1');
}

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';

/**
 * Registers the tracer of this process; before that, and without it, spans cost next to nothing.
 * @returns what ends it, sending the spans that are left
 */
export function startTracing(service: string, processor: SpanProcessor): () => Promise<void> {
  const provider = new NodeTracerProvider({
    spanProcessors: [processor],
    resource: resourceFromAttributes({ 'service.name': service }),
  });
  // Also registers the async context and the W3C headers that carry a trace from service to service.
  provider.register();
  return () => provider.shutdown();
}

/** Spans go to a collector. */
export function otlpSpans(endpoint: string): SpanProcessor {
  return new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` }));
}

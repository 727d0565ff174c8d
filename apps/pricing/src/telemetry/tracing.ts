import type { OnApplicationShutdown } from '@nestjs/common';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** Sends the spans of this process to a collector; without one they cost next to nothing. */
export class Tracing implements OnApplicationShutdown {
  readonly #provider: NodeTracerProvider | undefined;

  constructor(otlpEndpoint: string | undefined) {
    if (otlpEndpoint === undefined) return;
    const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` });
    this.#provider = new NodeTracerProvider({
      spanProcessors: [new BatchSpanProcessor(exporter)],
      resource: resourceFromAttributes({ 'service.name': 'pricing' }),
    });
    this.#provider.register();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#provider?.shutdown().catch(() => undefined);
  }
}

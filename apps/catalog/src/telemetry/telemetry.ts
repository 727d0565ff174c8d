import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader, type IMetricReader } from '@opentelemetry/sdk-metrics';
import type { Meter } from '@opentelemetry/api';
import { otlpSpans, startTracing } from './tracing.js';

/** The metrics of one application: its meter, and what Prometheus gets. */
export class Telemetry {
  readonly meter: Meter;
  // Nobody else's port: the application serves the text itself, at /metrics.
  readonly #prometheus = new PrometheusExporter({ preventServerStart: true });
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  readonly #provider: MeterProvider;
  readonly #stopTracing: (() => Promise<void>) | undefined;

  /** @param otlpEndpoint a collector that gets the metrics as well, every minute, and the spans of the process */
  constructor(otlpEndpoint: string | undefined) {
    const readers: IMetricReader[] = [this.#prometheus];
    if (otlpEndpoint !== undefined) {
      const exporter = new OTLPMetricExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/metrics` });
      readers.push(new PeriodicExportingMetricReader({ exporter }));
      this.#stopTracing = startTracing('catalog', otlpSpans(otlpEndpoint));
    }
    this.#provider = new MeterProvider({ readers, resource: resourceFromAttributes({ 'service.name': 'catalog' }) });
    this.meter = this.#provider.getMeter('catalog');
  }

  /** The text of a scrape. */
  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.#prometheus.collect();
    return this.#serializer.serialize(resourceMetrics);
  }

  /** Sends what is left. A collector that is away costs its time-out and nothing else. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#provider.shutdown(), this.#stopTracing?.()]);
  }
}

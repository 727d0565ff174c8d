import { AggregationTemporality, DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Meter } from '@opentelemetry/api';

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
  override selectAggregationTemporality(): AggregationTemporality {
    return AggregationTemporality.CUMULATIVE;
  }
}

/** Values by `name{attribute=value,...}`; a histogram is the number of its records. Zeros are left out. */
export type Values = Readonly<Record<string, number>>;

/** A meter of the real SDK whose values a test reads. */
export class Collector {
  readonly #reader = new Reader();
  readonly #provider = new MeterProvider({ readers: [this.#reader] });
  #last: Values = {};
  readonly meter: Meter = this.#provider.getMeter('test');

  /** Attributes named in `without` are left out of the names. */
  async collect(without: readonly string[] = ['engine']): Promise<Values> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw errors[0] as Error;
    const values: Record<string, number> = {};
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const { attributes, value } of metric.dataPoints) {
        const labels = Object.entries(attributes).filter(([name]) => !without.includes(name));
        const text = labels.map(([name, label]) => `${name}=${String(label)}`).join(',');
        const number = metric.dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : value;
        if (number !== 0) values[`${metric.descriptor.name}${text && `{${text}}`}`] = number as number;
      }
    }
    return values;
  }

  /** What has changed since the last call, gauges as they rose or fell. */
  async changes(): Promise<Values> {
    const now = await this.collect();
    const names = new Set([...Object.keys(now), ...Object.keys(this.#last)]);
    const changed = [...names].map((name) => [name, (now[name] ?? 0) - (this.#last[name] ?? 0)] as const);
    this.#last = now;
    return Object.fromEntries(changed.filter(([, change]) => change !== 0));
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }
}

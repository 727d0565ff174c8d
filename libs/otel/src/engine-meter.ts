import type { Attributes, BatchObservableResult, Histogram, Meter, Observable } from '@opentelemetry/api';
import type { ObservedEngine, Timed } from '@strata-cache/core';
import { ATTRIBUTES, DURATION_BUCKETS, METRICS, type Metric, type MetricId } from './metrics.js';
import { observationsOf } from './observations.js';

const IDS = Object.keys(METRICS) as MetricId[];
const HISTOGRAMS = {
  load: 'loadDuration',
  l2: 'l2Duration',
  'lock.wait': 'lockWait',
  'lock.hold': 'lockHold',
} as const;

/** Exports what engines count. Counters are read when somebody collects, so counting costs what it costs without a meter. */
export class EngineMeter {
  readonly #meter: Meter;
  readonly #observables = new Map<MetricId, Observable>();
  readonly #histograms = new Map<MetricId, Histogram>();
  readonly #engines = new Set<ObservedEngine>();
  /** Attribute objects of histograms, made once: there are a few per cache. */
  readonly #attributes = new Map<string, Attributes>();
  readonly #collect = (result: BatchObservableResult): void => this.#observe(result);

  constructor(meter: Meter) {
    this.#meter = meter;
    for (const id of IDS) {
      const metric: Metric = METRICS[id];
      const options = { unit: metric.unit, description: metric.description };
      if (metric.kind === 'histogram') {
        const advice = { explicitBucketBoundaries: [...DURATION_BUCKETS] };
        this.#histograms.set(id, meter.createHistogram(metric.name, { ...options, advice }));
      } else if (metric.kind === 'counter') {
        this.#observables.set(id, meter.createObservableCounter(metric.name, options));
      } else {
        this.#observables.set(id, meter.createObservableGauge(metric.name, options));
      }
    }
  }

  /** Returns what ends it. */
  add(engine: ObservedEngine): () => void {
    this.#engines.add(engine);
    if (this.#engines.size === 1) {
      this.#meter.addBatchObservableCallback(this.#collect, [...this.#observables.values()]);
    }
    return () => {
      this.#engines.delete(engine);
      if (this.#engines.size === 0) {
        this.#meter.removeBatchObservableCallback(this.#collect, [...this.#observables.values()]);
      }
    };
  }

  time(what: Timed, ms: number, cache: string, label: string, ok: boolean): void {
    const id = HISTOGRAMS[what];
    const first = what === 'load' ? cache : label;
    const key = `${id}|${first}|${ok}`;
    let attributes = this.#attributes.get(key);
    if (attributes === undefined) {
      const names: readonly string[] = METRICS[id].attributes;
      const values = names.length === 1 ? [ok ? 'ok' : 'error'] : [first, ok ? 'ok' : 'error'];
      attributes = Object.fromEntries(names.map((name, index) => [name, values[index]]));
      this.#attributes.set(key, attributes);
    }
    this.#histograms.get(id)?.record(ms / 1000, attributes);
  }

  #observe(result: BatchObservableResult): void {
    for (const engine of this.#engines) {
      for (const { metric, labels, value } of observationsOf(engine)) {
        const attributes: Attributes = { [ATTRIBUTES.engine]: engine.namespace };
        METRICS[metric].attributes.forEach((name, index) => (attributes[name] = labels[index]));
        result.observe(this.#observables.get(metric)!, value, attributes);
      }
    }
  }
}

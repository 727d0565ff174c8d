import { metrics, trace, type Meter, type Tracer } from '@opentelemetry/api';
import { asBoolean, CacheConfigError, readOptions, type Observer, type Rule } from '@strata-cache/core';
import { EngineMeter } from './engine-meter.js';
import { Spans } from './spans.js';

const SCOPE = '@strata-cache/otel';

/** Options of {@link otelObserver}. */
export interface OtelObserverOptions {
  /** Default: that of the global meter provider, which must be registered before. */
  readonly meter?: Meter | undefined;
  /** Default: that of the global tracer provider. `false`: no spans, which spares a read of Redis 1 to 3 us even where nobody collects them. */
  readonly tracer?: Tracer | false | undefined;
  /** Put logical keys into spans. They may hold user data. Metrics never carry them. Default false. */
  readonly includeKeys?: boolean | undefined;
}

const asTracer = asMade('a tracer of a TracerProvider: provider.getTracer("app"), or false for no spans', 'startSpan');

const RULES = {
  meter: asMade('a meter of a MeterProvider: provider.getMeter("app")', 'createHistogram'),
  tracer: ((value, option) => (value === false ? false : asTracer(value, option))) satisfies Rule,
  includeKeys: asBoolean,
};

/**
 * Exports metrics and spans: `createStrata({ observer: otelObserver() })`. It takes no part in an L1 hit: counters are read when somebody
 * collects them. One observer serves any number of engines.
 * @throws CacheConfigError naming the option that is unknown or wrong
 */
export function otelObserver(options: OtelObserverOptions = {}): Observer {
  const given = readOptions('otelObserver', options, RULES) as OtelObserverOptions;
  const meter = new EngineMeter(given.meter ?? metrics.getMeter(SCOPE));
  const timed: Observer = {
    started: (engine) => meter.add(engine),
    timed: (what, ms, cache, label, ok) => meter.time(what, ms, cache, label, ok),
  };
  if (given.tracer === false) {
    return timed;
  }
  const spans = new Spans(given.tracer ?? trace.getTracer(SCOPE), given.includeKeys === true);
  return { ...timed, around: (operation, run) => spans.around(operation, run) };
}

function asMade(what: string, method: string): Rule {
  return (value, option) => {
    if (typeof value?.[method] !== 'function') {
      throw new CacheConfigError(`${option}: expected ${what}`);
    }
    return value;
  };
}

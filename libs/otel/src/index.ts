export { otelObserver, type OtelObserverOptions } from './otel-observer.js';
export { continueTrace, traceHeaders, type TracedEvent } from './event-traces.js';
export { ATTRIBUTES, METRICS, SPAN_PREFIX, type Metric, type MetricId, type MetricKind } from './metrics.js';

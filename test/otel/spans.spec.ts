import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, trace, type Context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { CacheConfigError, createStrata, defineCache } from '@strata-cache/core';
import { ChaosTier, settle, sharedMemory } from '@strata-cache/core/testing';
import { ATTRIBUTES, otelObserver } from '@strata-cache/otel';
import { closeAll, engine } from '../engine/engine-kit.js';

const CANARY = 'canary-5f3a';
const items = defineCache<[id: string], string>({
  name: 'item',
  version: 1,
  owner: 'Test',
  key: (id) => id,
  ttl: '1m',
});

describe('spans', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test');
  const manager = new AsyncLocalStorageContextManager();
  const tier = new ChaosTier(sharedMemory());
  const plain = engine({ l2: tier, observer: otelObserver({ tracer }) });
  const cache = plain.cache(items);

  beforeAll(() => {
    context.setGlobalContextManager(manager.enable());
  });
  beforeEach(async () => {
    await settle();
    exporter.reset();
  });
  afterAll(async () => {
    await closeAll();
    context.disable();
    await provider.shutdown();
  });

  /** `run` inside a span of its own, as a request is; returns the names of all spans by the name of their parent. */
  async function traced(run: () => Promise<unknown>): Promise<Record<string, string[]>> {
    const request = tracer.startSpan('request');
    const inside: Context = trace.setSpan(context.active(), request);
    await context.with(inside, run).catch(() => undefined);
    await settle();
    request.end();
    const spans = exporter.getFinishedSpans();
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
    const tree: Record<string, string[]> = {};
    for (const { name, parentSpanContext } of spans) {
      (tree[names.get(parentSpanContext?.spanId ?? '') ?? 'none'] ??= []).push(name);
    }
    return tree;
  }

  it('a miss: the load and every call of the second tier belong to the lookup, and that to the request', async () => {
    const tree = await traced(() =>
      cache.getOrSet('1', async () => {
        tracer.startSpan('sql').end();
        return 'one';
      }),
    );
    expect(tree).toEqual({
      none: ['request'],
      request: ['strata.read'],
      'strata.read': ['strata.l2.read', 'strata.l2.lease', 'strata.load', 'strata.l2.fill'],
      'strata.load': ['sql'],
    });
    const read = exporter.getFinishedSpans().find(({ name }) => name === 'strata.read')!;
    expect(read.attributes).toEqual({ [ATTRIBUTES.cache]: 'item', [ATTRIBUTES.outcome]: 'load' });
  });

  it('an L1 hit has none', async () => {
    expect(await traced(() => cache.getOrSet('1', async () => 'no'))).toEqual({ none: ['request'] });
  });

  it('two requests in one round trip keep to themselves', async () => {
    const both = ['a', 'b'].map((name) => {
      const request = tracer.startSpan(name);
      const run = (): Promise<string> =>
        cache.getOrSet(`both-${name}`, async () => {
          tracer.startSpan(`sql ${name}`).end();
          return name;
        });
      return context.with(trace.setSpan(context.active(), request), run).then(() => request.end());
    });
    await Promise.all(both);
    await settle();
    const traces = new Map<string, string[]>();
    for (const span of exporter.getFinishedSpans()) {
      const { traceId } = span.spanContext();
      traces.set(traceId, [...(traces.get(traceId) ?? []), span.name]);
    }
    expect(traces.size).toBe(2);
    for (const names of traces.values()) {
      const own = names.includes('a') ? 'a' : 'b';
      expect(names.filter((name) => name.startsWith('sql'))).toEqual([`sql ${own}`]);
      expect(names).toHaveLength(7);
    }
  });

  it('writes, invalidations and locks', async () => {
    const tree = await traced(async () => {
      await cache.put('1', async () => 'two');
      await plain.invalidateTags(['x']);
      await plain.locks.withLock('l', async () => undefined);
    });
    expect(tree).toEqual({
      none: ['request'],
      request: expect.arrayContaining(['strata.put', 'strata.invalidate', 'strata.lock.wait', 'strata.lock.hold']),
      'strata.put': ['strata.l2.lease', 'strata.l2.fill'],
      'strata.invalidate': ['strata.l2.invalidate'],
    });
  });

  it('nothing of a key, a value or the message of an error, unless asked', async () => {
    const work = async (observed: typeof cache): Promise<void> => {
      await observed.getOrSet(`${CANARY}-1`, async () => CANARY);
      await observed.getOrSet(`${CANARY}-2`, async () => Promise.reject(new TypeError(CANARY))).catch(() => undefined);
      tier.failNext('invalidateKeys');
      await observed.delete(`${CANARY}-1`);
    };
    await traced(() => work(cache));
    const finished = exporter.getFinishedSpans();
    const seen = JSON.stringify(
      finished.map(({ name, attributes, events, links, status }) => ({ name, attributes, events, links, status })),
    );
    expect(finished.length).toBeGreaterThan(8);
    expect(seen).not.toContain(CANARY);
    expect(seen).toContain('TypeError');
    expect(seen).toContain('ERR_CACHE_TIER');
    exporter.reset();
    const keyed = engine({ l2: new ChaosTier(sharedMemory()), observer: otelObserver({ tracer, includeKeys: true }) });
    await traced(() => work(keyed.cache(items)));
    expect(JSON.stringify(exporter.getFinishedSpans().map(({ attributes }) => attributes))).toContain(CANARY);
  });

  it('a request that is not sampled has none', async () => {
    const request = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0 });
    await context.with(trace.setSpan(context.active(), request), () => cache.getOrSet('unsampled', async () => 'x'));
    await settle();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe('otelObserver', () => {
  it('leaves the direct way of L1 hits alone', () => {
    expect(otelObserver().lookup).toBeUndefined();
  });

  it.each([
    [{ meter: {} }, /otelObserver: meter: expected a meter of a MeterProvider/],
    [{ tracer: 'x' }, /otelObserver: tracer: expected a tracer of a TracerProvider.*or false for no spans/],
    [{ includeKeys: 1 }, /otelObserver: includeKeys: expected true or false/],
    [{ keys: true }, /unknown option "keys"; known options are meter, tracer, includeKeys/],
  ])('refuses %j', (options, message) => {
    expect(() => otelObserver(options as never)).toThrow(message);
    expect(() => otelObserver(options as never)).toThrow(CacheConfigError);
  });

  it('takes no part in any call where no spans are wanted', () => {
    expect(otelObserver({ tracer: false })).toEqual({ started: expect.any(Function), timed: expect.any(Function) });
  });

  it('works without any OpenTelemetry set-up', async () => {
    const strata = createStrata({ observer: otelObserver() });
    expect(await strata.cache(items).getOrSet('1', async () => 'one')).toBe('one');
    await strata.close();
  });
});

import 'reflect-metadata';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, Module } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CacheDoctor,
  CacheModule,
  defineCache,
  HttpCache,
  Strata,
  type CacheDefinition,
  type CacheModuleOptions,
} from '@strata-cache/nestjs';
import { CacheHealthIndicator } from '@strata-cache/nestjs/terminus';
import { ChaosTier, FakeClock, settle, sharedMemory } from '@strata-cache/nestjs/testing';
import { otelObserver } from '@strata-cache/otel';

type Row = CacheDefinition<[id: string], string>;
const base = { version: 1, owner: 'Test', key: (id: string) => id, ttl: '5m', jitter: 0 } as const;
const cache = (name: string, more: object = {}): Row => defineCache<[id: string], string>({ name, ...base, ...more });

@Controller('rows')
class RowsController {
  @Get()
  @HttpCache({ scope: 'public', maxAge: '1m' })
  rows(): string[] {
    return [];
  }
}

const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  jest.restoreAllMocks();
});

async function boot(
  caches: readonly Row[],
  options: CacheModuleOptions = {},
  controllers: (typeof RowsController)[] = [],
): Promise<TestingModule> {
  @Module({
    imports: [
      CacheModule.forRoot({ clock: new FakeClock(), ...options }),
      CacheModule.forFeature(caches),
      TerminusModule,
    ],
    controllers,
    providers: [CacheHealthIndicator],
  })
  class App {}
  const app = await Test.createTestingModule({ imports: [App] }).compile();
  apps.push(app);
  app.useLogger(false);
  return app.init();
}

/** Reads `id` with a loader that takes `ms` of the engine's clock. */
async function read(app: TestingModule, definition: Row, clock: FakeClock, id: string, ms: number): Promise<void> {
  await app
    .get(Strata)
    .cache(definition)
    .getOrSet(id, async () => {
      clock.jump(ms);
      return id;
    });
}

async function rules(app: TestingModule): Promise<readonly string[]> {
  const { findings } = await app.get(CacheDoctor).examine();
  return findings.map(({ rule, about }) => `${rule}: ${about}`);
}

describe('does this cache pay?', () => {
  const clock = new FakeClock();

  it('a source that answers at once', async () => {
    const fast = cache('fast');
    const slow = cache('slow');
    const app = await boot([fast, slow], { clock });
    for (let id = 0; id < 20; id++) await read(app, fast, clock, String(id), 2);
    for (let id = 0; id < 20; id++) await read(app, slow, clock, String(id), 20);
    expect(await rules(app)).toEqual(['fast-source: fast']);
  });

  it('fewer hits than its owner expects', async () => {
    const promised = cache('promised', { expectedHitRatio: 0.8 });
    const app = await boot([promised], { clock });
    for (let id = 0; id < 99; id++) await read(app, promised, clock, `${id % 33}`, 20);
    expect(await rules(app)).toEqual([]); // Not asked often enough to say.
    for (let id = 0; id < 33; id++) await read(app, promised, clock, `new-${id}`, 20);
    const { findings, table } = await app.get(CacheDoctor).examine();
    expect(findings.map(({ message }) => message)).toEqual([
      'it answers 50 % of the lookups, expectedHitRatio is 80 %',
    ]);
    // 66 hits x 20 ms.
    expect(table[0]).toContain('50 % of 132 lookups, load 20.0 ms, saved 1.3 s');
  });

  it('a ttl of seconds', async () => {
    expect(await rules(await boot([cache('brief', { ttl: '10s' }), cache('long')]))).toEqual(['short-ttl: brief']);
  });

  it('more invalidations than hits', async () => {
    const churned = cache('churned');
    const app = await boot([churned], { clock });
    for (let time = 0; time < 100; time++) {
      await read(app, churned, clock, '1', 20);
      await app.get(Strata).cache(churned).delete('1');
    }
    expect(await rules(app)).toEqual(['churn: churned']);
  });

  it('one ttl for everything', async () => {
    expect(await rules(await boot(['a', 'b', 'c'].map((name) => cache(name))))).toEqual(['one-ttl: definitions']);
    expect(await rules(await boot([cache('a'), cache('b'), cache('c', { ttl: '1h' })]))).toEqual([]);
  });
});

describe('the checklist', () => {
  it('is ticked by facts', async () => {
    const whole = cache('whole', { negativeTtl: '5s', invalidatedBy: { changed: () => ({ allEntries: true }) } });
    const bare = cache('bare');
    const app = await boot([whole, bare], {}, [RowsController]);
    const before = (await app.get(CacheDoctor).examine()).checklist;
    expect(before).toMatchObject({
      caches: [
        { cache: 'whole', owner: true, clearer: true, ttl: true, negative: true },
        { cache: 'bare', owner: true, clearer: false, ttl: true, negative: false },
      ],
      httpHeaders: true,
      metrics: false,
    });
    await app.get(Strata).cache(bare).delete('1');
    expect((await app.get(CacheDoctor).examine()).checklist.caches[1].clearer).toBe(true);
  });

  it('knows whether somebody collects metrics', async () => {
    const app = await boot([cache('a')], { observer: otelObserver() });
    expect((await app.get(CacheDoctor).examine()).checklist.metrics).toBe(true);
  });
});

describe('at boot', () => {
  it('the doctor is silent unless asked, then says one line when all is well', async () => {
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const doctors = (): string[] =>
      log.mock.calls.map(([text]) => String(text)).filter((text) => text.startsWith('doctor:'));
    await boot([cache('a')]);
    await settle();
    expect(doctors()).toEqual([]);
    await boot([cache('a')], { doctor: true });
    await settle();
    expect(doctors()).toEqual([
      'doctor: 1 caches, in process: healthy (owner 1/1, clearer 0/1, ttl 1/1, negative 0/1, HTTP headers no, metrics no)',
    ]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('and a warning with its remedy per finding', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await boot([cache('brief', { ttl: '10s' })], { doctor: true });
    await settle();
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(/^doctor: short-ttl: brief: its ttl is 10 s.*\. Remedy: .*\.$/),
    ]);
  });

  it('refuses an option that is no boolean', async () => {
    await expect(boot([], { doctor: 'yes' as never })).rejects.toThrow(
      /CacheModule\.forRoot: doctor: expected true or false/,
    );
  });
});

describe('CacheHealthIndicator', () => {
  it('reports what the engine knows, and stays up without the second tier unless told otherwise', async () => {
    const tier = new ChaosTier(sharedMemory());
    const clock = new FakeClock();
    const rows = cache('rows');
    const app = await boot([rows], { clock, l2: tier });
    await clock.advance(10);
    const indicator = app.get(CacheHealthIndicator);
    const health = app.get(HealthCheckService);
    expect(await health.check([() => indicator.isHealthy('cache', { requireSecondTier: true })])).toMatchObject({
      status: 'ok',
      info: { cache: { status: 'up', breaker: 'closed', bus: 'alive', unsentInvalidations: 0 } },
    });
    tier.down();
    for (let time = 0; time < 5; time++) await app.get(Strata).cache(rows).delete(String(time));
    expect(indicator.isHealthy('cache')).toMatchObject({
      cache: { status: 'up', breaker: 'open', unsentInvalidations: 5 },
    });
    const checked = health.check([() => indicator.isHealthy('cache', { requireSecondTier: true })]);
    await expect(checked).rejects.toMatchObject({
      response: { status: 'error', error: { cache: { status: 'down' } } },
    });
  });

  it('in process there is no bus to be silent', async () => {
    const indicator = (await boot([])).get(CacheHealthIndicator);
    expect(indicator.isHealthy('cache', { requireSecondTier: true })).toMatchObject({
      cache: { status: 'up', bus: 'none' },
    });
    expect(() => indicator.isHealthy('cache', { strict: true } as never)).toThrow(/unknown option "strict"/);
  });
});

import { Background } from './background.js';
import { BusListener } from './coherence/bus-listener.js';
import type { BusFactory } from './bus/memory-bus.js';
import type { CacheRuntime } from './cache-runtime.js';
import { systemClock, type Clock } from './clock/clock.js';
import { CoarseClock } from './clock/coarse-clock.js';
import { Coherence } from './coherence/coherence.js';
import type { Consistency } from './definition.js';
import type { Duration } from './duration.js';
import type { Engine, WhenDisconnected } from './engine.js';
import { CacheConfigError } from './errors.js';
import { L1View } from './reading/l1-view.js';
import type { LocksFactory } from './locks/lock.js';
import { memoryLocks } from './locks/memory-locks.js';
import { contained } from './contained-observer.js';
import type { Observer } from './observer.js';
import {
  asBoolean,
  asHaving,
  asName,
  asObject,
  asOneOf,
  asPositiveDuration,
  readOptions,
  type Rule,
} from './options.js';
import { resolveDefaults, type CacheDefaults } from './policy.js';
import { ReadThrough } from './reading/read-through.js';
import { Strata } from './strata.js';
import { Tally } from './tally.js';
import { GuardedTier } from './tiers/guarded-tier.js';
import { memoryTier, type L1Factory } from './tiers/memory-tier.js';
import type { RemovalListener } from './tiers/l1-store.js';
import type { L2Factory } from './tiers/tier.js';
import { VitalsSampler } from './tiers/vitals.js';
import { VersionLedger } from './coherence/version-ledger.js';
import { Writes } from './writes.js';

/** Options of an engine. */
export interface StrataOptions {
  /** `{env}:{service}`: prefix of every physical key and channel. Default `'app'`. */
  readonly namespace?: string | undefined;
  /** The first tier. Default `memoryTier({ maxEntries: 10_000, maxBytes: '64mb' })`. */
  readonly l1?: L1Factory | undefined;
  /** A second tier with its bus and locks, such as `redis({ url })`. Absent: everything works in process. */
  readonly l2?: L2Factory | undefined;
  /** A bus without a second tier, such as `memoryBus()`. */
  readonly bus?: BusFactory | undefined;
  /** Default `'bounded'`. */
  readonly consistency?: Consistency | undefined;
  /** Longest time L1 is served without proof that the bus is alive. Default `'5s'`; at least two heartbeats. */
  readonly maxStaleness?: Duration | undefined;
  /** Time between proofs. Default `'1s'`. */
  readonly heartbeat?: Duration | undefined;
  /** Past the bound with the second tier unreachable: load from the source, or keep serving L1 (counted). Default `'bypass'`. */
  readonly whenDisconnected?: WhenDisconnected | undefined;
  /** An invalidation that was not acknowledged: true = TierError, false = queued and reported. Default: true in coherent mode. */
  readonly strict?: boolean | undefined;
  readonly observer?: Observer | undefined;
  readonly clock?: Clock | undefined;
  readonly locks?: LocksFactory | undefined;
  readonly defaults?: CacheDefaults | undefined;
}

/** Engine defaults, beside those of `defaults`; `docs/options.md` lists them and a test compares. */
export const ENGINE_DEFAULTS = {
  namespace: 'app',
  consistency: 'bounded',
  maxStaleness: 5_000,
  heartbeat: 1_000,
  whenDisconnected: 'bypass',
} as const;

const asBound: Rule<number> = (value, option) =>
  // Bounds of 100 ms and more are sensible here, and nobody writes seconds for a heartbeat of 250.
  typeof value === 'number' && value >= 100 ? value : asPositiveDuration(value, option);

const asRecipe: Rule = (value, option) => {
  if (typeof value?.create !== 'function') {
    throw new CacheConfigError(
      `${option}: expected a recipe such as memoryTier({ ... }), redis({ ... }) or memoryBus(), not an instance`,
    );
  }
  return value;
};

const RULES: Record<string, Rule> = {
  namespace: asName(
    /^[A-Za-z0-9][\w.:@/-]{0,99}$/,
    'a name such as "prod:catalog" of letters, digits, "_", ".", ":", "@", "/" or "-"',
  ),
  l1: asRecipe,
  l2: asRecipe,
  bus: asRecipe,
  consistency: asOneOf('bounded', 'coherent'),
  maxStaleness: asBound,
  heartbeat: asBound,
  whenDisconnected: asOneOf('bypass', 'serve'),
  strict: asBoolean,
  observer: asObject,
  clock: asHaving('systemClock, or a FakeClock in tests', 'now', 'wall', 'setTimeout', 'clearTimeout'),
  locks: asRecipe,
  defaults: asObject,
};

/**
 * Assembles an engine. Connecting happens in the background: an absent second tier never delays or fails it.
 * @throws CacheConfigError naming the option that is unknown or wrong
 */
export function createStrata(options: StrataOptions = {}): Strata {
  const given = { ...ENGINE_DEFAULTS, ...readOptions('createStrata', options, RULES) } as Record<string, any>;
  const { namespace, consistency, maxStaleness, heartbeat } = given as {
    namespace: string;
    consistency: Consistency;
    maxStaleness: number;
    heartbeat: number;
  };
  if (maxStaleness < 2 * heartbeat) {
    throw new CacheConfigError(
      `createStrata: maxStaleness (${maxStaleness} ms) must be at least two heartbeats (2 x ${heartbeat} ms), or one late proof would empty L1; raise maxStaleness or lower heartbeat`,
    );
  }
  if (given.bus !== undefined && given.l2 !== undefined) {
    throw new CacheConfigError('createStrata: bus and l2 exclude each other: a second tier brings its own bus');
  }
  const defaults = resolveDefaults(given.defaults);
  const clock: Clock = given.clock ?? systemClock;
  const observer = contained(given.observer ?? {});
  const background = new Background(observer);
  const tally = new Tally();
  const runtimes = new Map<string, CacheRuntime>();
  const l1 = (given.l1 ?? memoryTier()).create(countRemovals(runtimes));
  let listener: BusListener | undefined;
  const parts = given.l2?.create({
    namespace,
    clock,
    observer,
    maxStaleness,
    onSuspect: (shard: number) => listener?.suspect(shard),
    onRefused: (reason: string) => tally.add('refusals', [reason]),
  });
  const guard = parts === undefined ? undefined : new GuardedTier(parts.tier, clock, background, observer, tally);
  const bus = parts?.bus ?? given.bus?.create();
  const coherence = new Coherence(
    l1,
    clock,
    bus?.shards ?? 1,
    (key) => guard?.shardOf(key) ?? 0,
    bus === undefined ? undefined : maxStaleness,
  );
  const engine: Engine = {
    namespace,
    clock,
    coarse: new CoarseClock(clock),
    observer,
    tally,
    background,
    l1,
    coherence,
    tier: guard,
    publish: bus?.publish === undefined ? undefined : (event) => bus.publish(event),
    whenDisconnected: given.whenDisconnected,
    strict: given.strict ?? (consistency === 'coherent' ? true : undefined),
  };
  if (bus !== undefined) {
    listener = new BusListener(bus, coherence, clock, background, observer, heartbeat, tally);
    listener.start();
  }
  const view = new L1View(engine);
  const reads = new ReadThrough(engine, view);
  const writes = new Writes(engine, view, new VersionLedger());
  const locks = (given.locks ?? parts?.locks ?? memoryLocks()).create(clock, { observer });
  const locksAreLocal = parts !== undefined && parts.locks === undefined && given.locks === undefined;
  const vitals = new VitalsSampler(parts?.vitals, background, () => clock.now());
  return new Strata(
    {
      engine,
      l1: view,
      reads,
      writes,
      consistency,
      defaults,
      locks,
      locksAreLocal,
      listener,
      guard,
      vitals,
      facts: parts?.facts,
      settings: { maxStaleness, heartbeat, observed: observer.started !== undefined },
    },
    runtimes,
  );
}

function countRemovals(runtimes: ReadonlyMap<string, CacheRuntime>): RemovalListener {
  // Evictions come in rows, mostly of one cache: cutting and hashing its name each time took as long as finding the victim.
  let lately: CacheRuntime | undefined;
  return (_key, cause, prefix) => {
    if (lately?.prefix !== prefix) {
      lately = runtimes.get(prefix.slice(0, prefix.indexOf(':')));
    }
    if (lately !== undefined) {
      lately.stats[cause === 'evicted' ? 'evictions' : cause]++;
    }
  };
}

import { CacheRuntime } from './cache-runtime.js';
import { Backoff } from './reading/backoff.js';
import { Cache, type CacheParts } from './cache.js';
import type { AnyArgs, CacheDefinition, Consistency, InvalidationMode } from './definition.js';
import type { BusListener } from './coherence/bus-listener.js';
import { CacheConfigError, CacheError } from './errors.js';
import { checkTags, encodeKey, tenantTag } from './key.js';
import type { Locks } from './locks/lock.js';
import type { Notice, ObservedEngine } from './observer.js';
import { asOneOf, readOptions } from './options.js';
import { completeDefinition } from './policy.js';
import type { StrataStats } from './stats.js';
import type { Count, CountLabels } from './tally.js';
import type { FactsProbe, TierFacts } from './tiers/facts.js';
import type { TierVitals, VitalsSampler } from './tiers/vitals.js';
import type { InvalidationResult } from './writes.js';

/** ms that background work may take to end at shutdown before it is aborted, and once more after. */
const DRAIN_LIMIT = 5_000;
const ABORT_LIMIT = 500;

const MODE_RULES = { mode: asOneOf('delete', 'expire') };

/** Settings of an engine that tools want to know. */
export interface EngineSettings {
  readonly maxStaleness: number;
  readonly heartbeat: number;
  /** An observer reads the counters. */
  readonly observed: boolean;
}

export interface StrataParts extends CacheParts {
  readonly consistency: Consistency;
  readonly defaults: Record<string, any>;
  readonly locks: Locks;
  /** There is a second tier, and other instances on it know nothing of these locks. */
  readonly locksAreLocal: boolean;
  readonly listener: BusListener | undefined;
  readonly guard: { readonly unsent: number; readonly isOpen: boolean; readonly openings: number } | undefined;
  readonly vitals: VitalsSampler;
  readonly facts: FactsProbe | undefined;
  readonly settings: EngineSettings;
}

/** An engine: the caches of one namespace with their tiers, bus and locks. Made by `createStrata`; in Nest its class is the injection token. */
export class Strata implements ObservedEngine {
  readonly namespace: string;
  readonly #parts: StrataParts;
  readonly #caches = new Map<string, Cache<any, any>>();
  readonly #runtimes: Map<string, CacheRuntime>;
  readonly #unobserve: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #warnedOfLocks = false;

  constructor(parts: StrataParts, runtimes: Map<string, CacheRuntime>) {
    this.#parts = parts;
    this.#runtimes = runtimes;
    this.namespace = parts.engine.namespace;
    this.#unobserve = parts.engine.observer.started?.(this);
  }

  /** Exclusive locks of this engine; within this process only, unless the second tier brings locks of its own. */
  get locks(): Locks {
    if (this.#parts.locksAreLocal && !this.#warnedOfLocks) {
      this.#warnedOfLocks = true;
      const message = 'strata.locks is exclusive within this process only: the second tier brings no locks';
      this.notice({ level: 'warn', name: 'locks.local', message });
    }
    return this.#parts.locks;
  }

  /** What the engine goes by, durations in ms. */
  get settings(): EngineSettings {
    return this.#parts.settings;
  }

  /** Whether an invalidation here reaches other instances: there is a second tier, or a bus. */
  get isShared(): boolean {
    return this.#parts.listener !== undefined || this.#parts.engine.tier !== undefined;
  }

  /**
   * The cache of a definition; the same object for the same definition.
   * @throws CacheConfigError when another definition has the same name
   */
  cache<Args extends AnyArgs, Value>(definition: CacheDefinition<Args, Value>): Cache<Args, Value> {
    const existing = this.#caches.get(definition.name);
    if (existing !== undefined) {
      if (existing.definition !== definition) {
        throw new CacheConfigError(
          `cache "${definition.name}": two definitions have this name; names are unique per namespace, rename one (owners: ${existing.definition.owner}, ${definition.owner})`,
        );
      }
      return existing;
    }
    const { engine, consistency, defaults } = this.#parts;
    const resolved = completeDefinition(definition, defaults, consistency);
    const runtime = new CacheRuntime(resolved, engine.observer, new Backoff());
    const cache = new Cache<Args, Value>(definition, runtime, this.#parts);
    this.#runtimes.set(definition.name, runtime);
    this.#caches.set(definition.name, cache);
    return cache;
  }

  /** Every cache made so far. */
  caches(): readonly Cache[] {
    return [...this.#caches.values()];
  }

  /**
   * Invalidates every entry of the namespace that carries one of the tags, in O(1) per tag. Mode `'delete'` (default): gone; `'expire'`: stale.
   * @throws CacheKeyError for a tag that cannot be one; TierError when `strict` and not acknowledged
   */
  async invalidateTags(
    tags: readonly string[],
    options: { readonly mode?: InvalidationMode | undefined } = {},
  ): Promise<InvalidationResult> {
    const { mode = 'delete' } = readOptions('invalidateTags', options, MODE_RULES);
    checkTags(tags, 'invalidateTags');
    return tags.length === 0 ? { acknowledged: true } : this.#parts.writes.invalidate({ kind: 'tags', tags, mode });
  }

  /** Invalidates every entry of the namespace. */
  async clear(options: { readonly mode?: InvalidationMode | undefined } = {}): Promise<InvalidationResult> {
    const { mode = 'delete' } = readOptions('clear', options, MODE_RULES);
    return this.#parts.writes.invalidate({ kind: 'clear', mode });
  }

  /** Invalidates every entry of one tenant, in O(1). */
  async clearTenant(tenant: string | number): Promise<InvalidationResult> {
    const tag = tenantTag(encodeKey('clearTenant', tenant));
    return this.#parts.writes.invalidate({ kind: 'tags', tags: [tag], mode: 'delete' });
  }

  /**
   * Tells the observer what a layer above the engine has to say, such as a decorator whose invalidation failed.
   * False when the observer takes no notices, so that the caller can log it instead.
   */
  notice(notice: Notice): boolean {
    const { observer } = this.#parts.engine;
    observer.notice?.(notice);
    return observer.notice !== undefined;
  }

  stats(): StrataStats {
    const { engine, reads, listener, guard, locks } = this.#parts;
    return {
      l1Entries: engine.l1.size,
      l1Bytes: engine.l1.bytes,
      inFlight: reads.inFlight,
      unsent: guard?.unsent ?? 0,
      busGaps: listener?.gaps ?? 0,
      busLag: listener?.lag ?? 0,
      heartbeatAge: listener?.heartbeatAge ?? 0,
      breaker: guard?.isOpen === true ? 'open' : 'closed',
      breakerOpenings: guard?.openings ?? 0,
      locks: locks.stats(),
    };
  }

  /** What is counted by labels, beside the counters of `stats()` and `cache.stats()`. */
  counts(): Iterable<Count> {
    return this.#parts.engine.tally.all();
  }

  /** Counts something a layer above the engine has done, such as an HTTP response. Labels are outcomes, never keys. */
  count<Name extends keyof CountLabels>(name: Name, labels: CountLabels[Name], by = 1): void {
    this.#parts.engine.tally.add(name, labels, by);
  }

  /** The newest sample of each server of the second tier, at most 10 s older than the last call; `sample` asks them now. */
  vitals(): readonly TierVitals[] {
    return this.#parts.vitals.look();
  }

  /** Asks the servers of the second tier how they are; those that do not answer are left out. */
  sampleVitals(): Promise<readonly TierVitals[]> {
    return this.#parts.vitals.sample();
  }

  /** What the second tier says of its set-up: rights, policy, a sample of entries. Undefined without one. It takes some hundred commands. */
  async facts(): Promise<TierFacts | undefined> {
    return this.#parts.facts?.();
  }

  /** Drains background work, releases locks, closes what it opened. Twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { engine, reads, listener, locks } = this.#parts;
    const { background, clock, tier } = engine;
    this.#unobserve?.();
    listener?.stop();
    if (!(await background.drain(clock, DRAIN_LIMIT))) {
      reads.abortAll(new CacheError('ERR_CACHE_TIER', 'the engine is closing: loads still running are aborted'));
      await background.drain(clock, ABORT_LIMIT);
    }
    await locks.close();
    await tier?.close();
    await listener?.close();
    engine.l1.clear();
  }
}

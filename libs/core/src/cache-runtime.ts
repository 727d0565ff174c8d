import type { Backoff } from './reading/backoff.js';
import { Boxed } from './value/boxed.js';
import type { KeyPart } from './definition.js';
import type { ResolvedDefinition } from './define-cache.js';
import { CacheKeyError } from './errors.js';
import { cloneValue } from './value/clone-value.js';
import { admit } from './value/isolation.js';
import { cacheTag, checkTags, encodeKey, encodeTenant, MAX_TAGS, tenantTag } from './key.js';
import { DistinctKeys } from './reading/distinct-keys.js';
import { LoadLimiter } from './reading/load-limiter.js';
import { policyOf, type Policy } from './policy.js';
import type { Observer } from './observer.js';
import { newStats, type CacheStats } from './stats.js';
import type { RefusalCause } from './value/survey.js';

/** A value made ready for storing, or the reason why it cannot be stored. */
export type Storable =
  | {
      readonly ok: true;
      /** As L1 keeps it: the plain value, or boxed. */
      readonly stored: unknown;
      /** As it is serialized. */
      readonly value: unknown;
      readonly bytes: number;
      /** JSON text alone says it all. */
      readonly plain: boolean;
    }
  | { readonly ok: false; readonly path: string; readonly reason: string; readonly cause: RefusalCause };

/** Freshness of a value about to be stored, all in ms. */
export interface Lifetime {
  readonly createdAt: number;
  readonly freshFor: number;
  readonly graceFor: number;
}

/** Everything resolved once for a cache: its key encoder, policy, limiter, counters and the way values go in and out. */
export class CacheRuntime {
  readonly name: string;
  readonly definition: ResolvedDefinition;
  readonly policy: Policy;
  readonly stats: CacheStats = newStats();
  readonly distinct = new DistinctKeys();
  readonly limiter: LoadLimiter;
  readonly backoff: Backoff;
  /** Caches inside whose loads this one was seen loading. */
  readonly nestedIn = new Set<CacheRuntime>();
  readonly prefix: string;
  /** Whether any stored value is a {@link Boxed}: asking each one costs more. */
  boxes = false;
  readonly #implicit: readonly string[];
  readonly #observer: Observer;
  readonly #warned = new Set<string>();
  /** Lookups whose savings are in `stats.savedMs`. */
  #credited = 0;
  #loadsEnded = 0;

  constructor(definition: ResolvedDefinition, observer: Observer, backoff: Backoff) {
    this.name = definition.name;
    this.definition = definition;
    this.policy = policyOf(definition);
    this.limiter = new LoadLimiter(definition.maxConcurrentLoads);
    this.backoff = backoff;
    this.prefix = `${definition.name}:v${definition.version}:`;
    this.#implicit = [cacheTag(definition.name)];
    this.#observer = observer;
  }

  /** What the definition makes of key arguments: of a tuple, or of a bare single one. */
  partsOf(arg: unknown): KeyPart | readonly KeyPart[] {
    const { key } = this.definition;
    if (key === undefined) {
      return NO_PARTS;
    }
    if (!Array.isArray(arg)) {
      return key(arg);
    }
    // Spreading one argument costs as much as all the rest of a synchronous hit.
    return arg.length === 1 ? key(arg[0]) : key(...arg);
  }

  /** Key parts as they stand behind the prefix: `[@{tenant}|]{key}`. @throws CacheKeyError */
  restOf(parts: KeyPart | readonly KeyPart[]): string {
    const { tenant } = this.definition;
    const encoded = encodeKey(this.name, parts);
    return tenant === undefined ? encoded : encodeTenant(this.name, tenant()) + encoded;
  }

  /** The encoded key of key arguments: `{cache}:v{version}:[@{tenant}|]{key}`. @throws CacheKeyError */
  keyOf(args: readonly unknown[]): string {
    return this.prefix + this.restOf(this.partsOf(args));
  }

  get cacheTag(): string {
    return this.#implicit[0];
  }

  /** The engine's own tags of an entry: its cache, and its tenant. */
  implicitTags(key: string): readonly string[] {
    if (this.definition.tenant === undefined) {
      return this.#implicit;
    }
    const tenant = key.slice(this.prefix.length + 1, key.indexOf('|', this.prefix.length));
    return [...this.#implicit, tenantTag(tenant)];
  }

  /** The user's tags of a value about to be stored. `null` and `undefined` carry only fixed ones. @throws CacheKeyError */
  tagsOf(
    value: unknown,
    args: readonly unknown[],
    ...more: (readonly string[] | undefined)[]
  ): readonly string[] | undefined {
    const { tags } = this.definition;
    let all: readonly string[] = NO_TAGS;
    if (typeof tags !== 'function') {
      all = tags ?? NO_TAGS;
    } else if (value != null) {
      all = checkTags(tags(value, ...args), `cache "${this.name}"`);
    }
    for (const extra of more) {
      if (extra !== undefined && extra.length > 0) {
        all = [...all, ...extra];
      }
    }
    if (all.length === 0) {
      return undefined;
    }
    const unique = [...new Set(all)];
    if (unique.length > MAX_TAGS) {
      throw new CacheKeyError(`cache "${this.name}": ${unique.length} tags; at most ${MAX_TAGS} fit an entry`);
    }
    return unique;
  }

  /** The user's tags among those of a stored record. */
  userTags(tags: readonly string[]): readonly string[] | undefined {
    // Most entries carry none: nothing is made for them.
    for (const tag of tags) {
      if (isUserTag(tag)) {
        return tags.filter(isUserTag);
      }
    }
    return undefined;
  }

  /**
   * Makes a value ready for storing: dehydrated, checked, sized, and frozen or boxed as its isolation asks.
   * `owned`: nobody else holds it (it was just decoded, or copied for us).
   * @throws SerializationError when `hydrate` is given something else than it dehydrates
   */
  toStored(value: unknown, owned = false): Storable {
    const { hydrate } = this.definition;
    const plain = hydrate === undefined || value == null ? value : hydrate.dehydrate(value);
    return this.admit(plain, owned);
  }

  /** The same for a value its owner goes on using: a copy is stored, so that nothing freezes under its hands. */
  toStoredCopy(value: unknown): Storable {
    const { isolation, maxValueBytes, hydrate } = this.definition;
    if (isolation === 'shared' || hydrate !== undefined) {
      return this.toStored(value);
    }
    const copied = admit(value, { isolation: 'cloned', maxBytes: maxValueBytes });
    return copied.ok ? this.admit(copied.value, true) : copied;
  }

  /** The same for a value that is plain already. */
  admit(plain: unknown, owned: boolean): Storable {
    const { isolation, maxValueBytes } = this.definition;
    const admitted = admit(plain, { isolation, maxBytes: maxValueBytes, owned });
    if (!admitted.ok) {
      return admitted;
    }
    const stored = admitted.needsClone ? this.box(admitted.value, 'copy') : admitted.value;
    return { ok: true, stored, value: admitted.value, bytes: admitted.bytes, plain: admitted.plain };
  }

  /** A stored value that cannot be handed out as it is. */
  box(content: unknown, kind: Boxed['kind']): Boxed {
    this.boxes = true;
    return new Boxed(content, kind);
  }

  /** What a reader gets for a stored value. @throws the remembered error of a negative entry */
  open(stored: unknown): unknown {
    let plain = stored;
    if (stored instanceof Boxed) {
      if (stored.kind === 'error') {
        this.stats.negative++;
        throw stored.content;
      }
      plain = cloneValue(stored.content);
    }
    const { hydrate } = this.definition;
    return hydrate === undefined || plain == null ? plain : hydrate.hydrate(plain);
  }

  /** Counts a value that is returned but not stored; the first of its kind is reported. */
  refuse(path: string, reason: string): void {
    this.stats.refused++;
    const kind = `${path}: ${reason}`;
    if (!this.#warned.has(kind) && this.#warned.size < MAX_WARNINGS) {
      this.#warned.add(kind);
      const message = `cache "${this.name}": the value was returned but not stored; ${reason} (at ${path})`;
      this.#observer.notice?.({ level: 'warn', name: 'value.refused', cache: this.name, message });
    }
  }

  /** Counts a load that has ended, successfully or not. */
  timeLoad(ms: number): void {
    this.credit();
    this.#loadsEnded++;
    this.stats.loadMs += ms;
  }

  /** Brings `stats.savedMs` up to date: by what a load took so far, before the next one changes that. */
  credit(): void {
    const { stats } = this;
    if (this.#loadsEnded > 0) {
      const answered = stats.hits + stats.l2Hits + stats.stale;
      stats.savedMs += (answered - this.#credited) * (stats.loadMs / this.#loadsEnded);
      this.#credited = answered;
    }
  }

  /** How long a value lives from `now` on. A remembered "not found" has a ttl of its own and no grace. */
  lifetime(value: unknown, policy: Policy, now: number, ttl?: number): Lifetime {
    const negative = (value === null || value === undefined) && policy.negativeTtl !== undefined;
    return {
      createdAt: now,
      freshFor: this.jittered(ttl ?? (negative ? policy.negativeTtl! : policy.ttl)),
      graceFor: negative ? 0 : policy.grace,
    };
  }

  /** A ttl shortened by jitter, so that entries stored together do not go stale together. */
  jittered(ttl: number): number {
    return this.policy.jitter === 0 ? ttl : ttl * (1 - this.policy.jitter * Math.random());
  }
}

const AT = 64;
const isUserTag = (tag: string): boolean => tag.charCodeAt(0) !== AT;
/** Different refusals reported per cache; an attacker who controls paths must not fill the log. */
const MAX_WARNINGS = 100;
const NO_PARTS: readonly KeyPart[] = [];
const NO_TAGS: readonly string[] = [];

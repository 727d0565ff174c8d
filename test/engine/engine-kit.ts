import { createStrata, defineCache, memoryBus } from '@strata-cache/core';
import type { Cache, CacheDefinition, CacheDefinitionOptions, Notice, Strata, StrataOptions } from '@strata-cache/core';
import { ChaosBus, ChaosTier, FakeClock, gate, settle, sharedMemory, type Gate } from '@strata-cache/core/testing';

/** A versioned value: a reader that got version n saw the source as it was after n changes. */
export interface Versioned {
  readonly id: string;
  readonly v: number;
  readonly tags?: readonly string[] | undefined;
}

export type VersionedCache = Cache<[id: string], Versioned | null>;

const opened: Strata[] = [];

/** Closes every engine a test has made; call it in `afterEach`. */
export async function closeAll(): Promise<void> {
  const closing = opened.splice(0).map((strata) => strata.close());
  await Promise.all(closing);
}

export function engine(options: StrataOptions = {}): Strata {
  const strata = createStrata(options);
  opened.push(strata);
  return strata;
}

type Options = Partial<CacheDefinitionOptions<[id: string], Versioned | null>>;

/** A definition with defaults that keep tests exact: no jitter. */
export function versioned(options: Options = {}): CacheDefinition<[id: string], Versioned | null> {
  return defineCache<[id: string], Versioned | null>({
    name: 'versioned',
    version: 1,
    owner: 'EngineTests',
    key: (id) => id,
    ttl: '1m',
    jitter: 0,
    tags: (value) => value?.tags ?? [],
    ...options,
  });
}

/**
 * A source of truth with versions. `load` reads the version, then waits at its gate (when there is one) before it returns:
 * a load that was started before a change returns what was before the change, however late.
 */
export class Source {
  readonly versions = new Map<string, number>();
  tags: readonly string[] | undefined;
  loads = 0;
  running = 0;
  mostRunning = 0;
  gates: Gate[] = [];
  error: unknown;

  /** The next load stops at the gate after having read. */
  hold(): Gate {
    const one = gate();
    this.gates.push(one);
    return one;
  }

  change(id: string): number {
    const next = this.version(id) + 1;
    this.versions.set(id, next);
    return next;
  }

  version(id: string): number {
    return this.versions.get(id) ?? 0;
  }

  readonly load = async (context: unknown, id: string): Promise<Versioned> => {
    void context;
    this.loads++;
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    const { error } = this;
    const read = { id, v: this.version(id), tags: this.tags };
    try {
      await this.gates.shift()?.pass();
      if (error !== undefined) {
        throw error;
      }
      return read;
    } finally {
      this.running--;
    }
  };
}

/** Two instances over one second tier that obeys, on a clock steered by hand. */
export interface Pair {
  readonly clock: FakeClock;
  readonly tiers: readonly [ChaosTier, ChaosTier];
  readonly buses: readonly [ChaosBus, ChaosBus];
  readonly stratas: readonly [Strata, Strata];
  readonly store: ReturnType<typeof sharedMemory>;
}

export async function pair(options: StrataOptions = {}): Promise<Pair> {
  const clock = new FakeClock();
  const store = sharedMemory();
  const make = (): { tier: ChaosTier; bus: ChaosBus; strata: Strata } => {
    const tier = new ChaosTier(store);
    const bus = new ChaosBus(memoryBus());
    const l2 = {
      kind: 'l2' as const,
      create: (context: Parameters<typeof tier.create>[0]) => {
        const parts = tier.create(context);
        return { ...parts, bus: bus.wrap(parts.bus) };
      },
    };
    return { tier, bus, strata: engine({ clock, l2, ...options }) };
  };
  const one = make();
  const other = make();
  await settle();
  return {
    clock,
    store,
    tiers: [one.tier, other.tier],
    buses: [one.bus, other.bus],
    stratas: [one.strata, other.strata],
  };
}

/** Collects notices. */
export function notices(): { readonly seen: Notice[]; readonly observer: { notice(notice: Notice): void } } {
  const seen: Notice[] = [];
  return { seen, observer: { notice: (notice) => void seen.push(notice) } };
}

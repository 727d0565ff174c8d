import type { CacheDefinition, Hydrator, L2Factory, Strata } from '@strata-cache/core';
import { ChaosTier, FakeClock, gate, settle, sharedMemory, type Gate } from '@strata-cache/core/testing';
import { engine, versioned, type Versioned, type VersionedCache } from './engine-kit.js';

/** The source of one instance: holds its loads at gates, fails while `error` is set. */
export class OwnSource {
  loads = 0;
  running = 0;
  error: string | undefined;
  version = 0;
  readonly #gates: Gate[] = [];

  hold(): Gate {
    const held = gate();
    this.#gates.push(held);
    return held;
  }

  readonly load = async (_context: unknown, id: string): Promise<Versioned> => {
    this.loads++;
    this.running++;
    const { error, version } = this;
    try {
      await this.#gates.shift()?.pass();
      if (error !== undefined) throw new Error(error);
      return { id, v: version };
    } finally {
      this.running--;
    }
  };
}

export class Member {
  readonly source = new OwnSource();
  readonly strata: Strata;
  readonly tier: ChaosTier;
  readonly cache: VersionedCache;

  constructor(store: L2Factory, clock: FakeClock, definition: CacheDefinition<[id: string], Versioned | null>) {
    this.tier = new ChaosTier(store);
    this.strata = engine({ clock, l2: this.tier });
    this.cache = this.strata.cache(definition);
  }

  /** `v<version>`, or the message of the error. */
  async read(id = 'a'): Promise<string> {
    return answerOf(this.cache.getOrSet(id, this.source.load));
  }
}

export async function answerOf(reading: Promise<Versioned | null>): Promise<string> {
  return reading.then(
    (value) => `v${value?.v}`,
    (error: unknown) => (error as Error).message,
  );
}

export interface Fleet {
  readonly clock: FakeClock;
  readonly store: ReturnType<typeof sharedMemory>;
  readonly members: readonly Member[];
}

/** Instances over one second tier, on a clock steered by hand. */
export async function fleet(
  size: number,
  options: Parameters<typeof versioned>[0] | ((index: number) => Parameters<typeof versioned>[0]) = {},
): Promise<Fleet> {
  const clock = new FakeClock();
  const store = sharedMemory();
  const members = Array.from(
    { length: size },
    (_, index) => new Member(store, clock, versioned(typeof options === 'function' ? options(index) : options)),
  );
  await settle();
  return { clock, store, members };
}

/** The first of `members` loads and will fail; the others wait for it. Their answers come in the same order. */
export async function waitingForFailure(
  members: readonly Member[],
): Promise<{ readonly held: Gate; readonly answers: readonly Promise<string>[] }> {
  const [leader, ...others] = members;
  leader.source.error = 'down';
  const held = leader.source.hold();
  const first = leader.read();
  await held.arrived();
  const rest = others.map(async (member) => member.read());
  await settle();
  return { held, answers: [first, ...rest] };
}

/** Sends the message of an error. */
export const messageOnly: Hydrator<unknown> = {
  dehydrate: (error) => (error as Error).message,
  hydrate: (message: string) => new Error(`told: ${message}`),
};

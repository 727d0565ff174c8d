import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { engine, Source, versioned, type VersionedCache } from './engine-kit.js';

export interface Stage {
  readonly clock: FakeClock;
  readonly cache: VersionedCache;
  readonly source: Source;
  readonly read: () => Promise<number | undefined>;
}

export const layers = { 'L1 alone': false, 'L1 over a second tier': true };

export async function stage(shared: boolean, options: Parameters<typeof versioned>[0] = {}): Promise<Stage> {
  const clock = new FakeClock();
  const strata = engine({ clock, ...(shared ? { l2: sharedMemory() } : {}) });
  await settle();
  const cache = strata.cache(versioned(options));
  const source = new Source();
  const read = async (): Promise<number | undefined> => {
    const value = await cache.getOrSet('a', source.load);
    return value?.v;
  };
  return { clock, cache, source, read };
}

/** Version 0 is stored, `ttl` has passed, the source is at version 1. */
export async function stale(shared: boolean, options: Parameters<typeof versioned>[0] = {}): Promise<Stage> {
  const staged = await stage(shared, { ttl: '10s', grace: '20s', ...options });
  await staged.read();
  await settle();
  await staged.clock.advance(10_000);
  staged.source.change('a');
  return staged;
}

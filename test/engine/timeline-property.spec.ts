import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createStrata, defineCache } from '@strata-cache/core';
import { FakeClock, sharedMemory } from '@strata-cache/core/testing';

const seed = Number(process.env['STRATA_SEED'] ?? 20_260);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** ms from 1 s to about 12 days, so that rounding shows at every scale. */
const span = fc.oneof(fc.integer({ min: 1_000, max: 3_000 }), fc.integer({ min: 3_000, max: 2 ** 30 }));
const jitter = fc.constantFrom(0, 0.1, 1);

describe.each([
  ['in L1', false],
  ['over a second tier', true],
] as const)('the timeline of an entry %s', (_name, shared) => {
  it('is fresh before staleAt, stale before goneAt, then gone; each entry keeps what it was stored with', async () => {
    await fc.assert(
      fc.asyncProperty(
        span,
        fc.option(span, { nil: 0 }),
        jitter,
        fc.array(fc.nat(1_000), { maxLength: 6 }),
        async (ttl, grace, spread, at) => {
          const clock = new FakeClock();
          const strata = createStrata({ clock, ...(shared ? { l2: sharedMemory() } : {}) });
          const cache = strata.cache(
            defineCache<[], number>({ name: 'line', version: 1, owner: 'T', ttl, grace, jitter: spread }),
          );
          await turn();
          await cache.set([], 1);
          await turn();
          const before = clock.now();
          const entry = await cache.entry();
          if (entry === undefined) {
            // All of the ttl went to jitter.
            return spread === 1;
          }
          const wall = clock.wall();
          const fresh = entry.staleAt - wall;
          const usable = entry.goneAt - wall;
          expect(fresh).toBeLessThanOrEqual(ttl);
          expect(fresh).toBeGreaterThanOrEqual(ttl * (1 - spread) - 2);
          expect(Math.abs(usable - fresh - grace)).toBeLessThanOrEqual(2);
          const moments = at
            .map((permille) => ((ttl + grace) * 1.1 * permille) / 1_000)
            .sort((one, other) => one - other);
          for (const moment of moments) {
            clock.jump(Math.max(0, before + moment - clock.now()));
            const age = clock.now() - before;
            // Whole ms are kept, rounded to the safe side: within 2 ms of an end either answer is right.
            if (Math.abs(age - fresh) <= 2 || Math.abs(age - usable) <= 2) {
              continue;
            }
            const expected = age < fresh ? 'fresh' : age < usable ? 'stale' : 'gone';
            const found = await cache.entry();
            expect(found === undefined ? 'gone' : found.stale ? 'stale' : 'fresh').toBe(expected);
            expect(await cache.get()).toBe(expected === 'gone' ? undefined : 1);
          }
          return true;
        },
      ),
      { numRuns: 1_000, seed },
    );
  });
});

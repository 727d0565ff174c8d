import { describe, expect, it } from '@jest/globals';
import type { FillLease } from '@strata-cache/core';
import { Seeded } from '../support/seeded.js';
import { record, type Instance, type Context } from './shared-tier.harness.js';

interface Stored {
  readonly text: string;
  readonly tags: readonly string[];
  stale: boolean;
}

/** What the tier promises, said as plainly as possible: maps, and a counter for time. */
class Model {
  readonly entries = new Map<string, Stored>();
  readonly hard = new Map<string, number>();
  readonly soft = new Map<string, number>();
  now = 0;
  cleared = 0;
  expired = 0;

  seen(key: string): string | undefined {
    const entry = this.entries.get(key);
    return entry && (entry.stale ? `${entry.text} (stale)` : entry.text);
  }

  store(key: string, text: string, tags: readonly string[], since: number): void {
    const newest = (stamps: Map<string, number>): number => Math.max(0, ...tags.map((tag) => stamps.get(tag) ?? 0));
    if (since <= newest(this.hard)) this.entries.delete(key);
    else this.entries.set(key, { text, tags, stale: since <= Math.max(newest(this.soft), this.expired) });
  }

  tag(tag: string, mode: 'delete' | 'expire'): void {
    (mode === 'delete' ? this.hard : this.soft).set(tag, ++this.now);
    for (const [key, entry] of this.entries) {
      if (!entry.tags.includes(tag)) continue;
      if (mode === 'delete') this.entries.delete(key);
      else entry.stale = true;
    }
  }
}

interface Load {
  readonly key: string;
  readonly lease: FillLease;
  readonly by: Instance;
  readonly since: number;
  void: boolean;
}

const KEYS = ['a', 'b', 'c', '{d}', 'e\n'];
const TAGS = ['t1', 't2', 't3'];
const STEPS = 1_000;

export function modelContract(context: Context): void {
  describe('against a model', () => {
    it.each([1, 2, 3])(`agrees after each of ${STEPS} random steps of two instances (seed %i)`, async (seed) => {
      const { a, b } = context();
      const random = new Seeded(seed);
      const model = new Model();
      const loads = new Map<string, Load>();
      const voidLoad = (key: string): void => {
        const load = loads.get(key);
        if (load) load.void = true;
      };
      for (let step = 0; step < STEPS; step += 1) {
        const by = random.pick([a, b]);
        const key = random.pick(KEYS);
        const tags = TAGS.filter(() => random.chance(0.4));
        const mode = random.pick(['delete', 'expire'] as const);
        const text = `v${step}`;
        const action = random.int(0, 9);
        if (action <= 2 && !loads.has(key)) {
          loads.set(key, { key, lease: await by.granted(key, { force: true }), by, since: ++model.now, void: false });
        } else if (action <= 5) {
          const load = loads.get(key);
          if (load) {
            loads.delete(key);
            const refused = load.void || load.since <= model.cleared;
            const options = { tags, graceFor: 60_000 };
            expect(await load.by.tier.fill(key, load.lease, record(text, options), random.chance(0.5))).toBe(!refused);
            if (!refused) model.store(key, text, tags, load.since);
          }
        } else if (action === 6) {
          await by.tier.put(key, record(text, { tags, graceFor: 60_000 }), undefined);
          voidLoad(key);
          model.store(key, text, tags, ++model.now);
        } else if (action === 7) {
          await by.tier.invalidateKeys([key], mode);
          voidLoad(key);
          const entry = model.entries.get(key);
          if (mode === 'delete') model.entries.delete(key);
          else if (entry) entry.stale = true;
        } else if (action === 8) {
          const tag = random.pick(TAGS);
          await by.tier.invalidateTags([tag], mode);
          model.tag(tag, mode);
        } else if (random.chance(0.3)) {
          await by.tier.clear(mode);
          if (mode === 'delete') {
            model.entries.clear();
            model.cleared = ++model.now;
          } else {
            for (const entry of model.entries.values()) entry.stale = true;
            model.expired = ++model.now;
          }
        }
        const reader = random.pick([a, b]);
        const seen = await Promise.all(KEYS.map((one) => reader.see(one)));
        expect({ seed, step, seen }).toEqual({ seed, step, seen: KEYS.map((one) => model.seen(one)) });
      }
    });
  });
}

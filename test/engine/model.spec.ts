import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createStrata, type InvalidationMode, type Strata } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { versioned, type Versioned, type VersionedCache } from './engine-kit.js';
import { ReferenceModel } from './reference-model.js';

const seed = Number(process.env['STRATA_SEED'] ?? 20_260);
const KEYS = ['a', 'b', 'c'] as const;
const TAGS = ['red', 'blue'] as const;

type Command =
  | { readonly kind: 'getOrSet' | 'fromSource'; readonly id: string; readonly tags: readonly string[] }
  | { readonly kind: 'get' | 'peek' | 'entry' | 'change' | 'put'; readonly id: string }
  | { readonly kind: 'set'; readonly id: string; readonly tags: readonly string[] }
  | { readonly kind: 'key'; readonly id: string; readonly mode: InvalidationMode }
  | { readonly kind: 'tag'; readonly tag: string; readonly mode: InvalidationMode }
  | { readonly kind: 'clear' | 'clear all'; readonly mode: InvalidationMode }
  | { readonly kind: 'advance'; readonly ms: number };

const id = fc.constantFrom(...KEYS);
const tags = fc.subarray([...TAGS]);
const mode = fc.constantFrom<InvalidationMode>('delete', 'expire');
const command: fc.Arbitrary<Command & { readonly on: number }> = fc
  .tuple(
    fc.nat(1),
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('getOrSet' as const), id, tags }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fromSource' as const), id, tags }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('get' as const, 'entry' as const), id }) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constantFrom('change' as const, 'put' as const, 'peek' as const), id }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('set' as const), id, tags }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('key' as const), id, mode }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('tag' as const), tag: fc.constantFrom(...TAGS), mode }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('clear' as const, 'clear all' as const), mode }) },
      // Never exactly at the end of a span: instants are whole there, and rounded to the safe side.
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1_499, 4_501, 20_011) }),
      },
    ),
  )
  .map(([on, one]) => ({ ...one, on }));

interface World {
  readonly clock: FakeClock;
  readonly stratas: readonly Strata[];
  readonly caches: readonly VersionedCache[];
  readonly model: ReferenceModel;
  loads: number;
  /** Lets what goes on behind answers end. */
  readonly calm: () => Promise<void>;
  /** L1 of the instance is what everyone sees: with several instances or coherent reads it is not. */
  readonly peeks: boolean;
}

async function step(world: World, one: Command & { readonly on: number }): Promise<void> {
  const { caches, stratas, clock, model } = world;
  const cache = caches[one.on % caches.length];
  const strata = stratas[one.on % stratas.length];
  const load = (_context: unknown, key: string): Versioned => {
    world.loads++;
    return { id: key, v: model.version(key) };
  };
  switch (one.kind) {
    case 'getOrSet':
      expect((await cache.getOrSet(one.id, load, { tags: one.tags }))?.v).toBe(model.getOrSet(one.id, one.tags));
      break;
    case 'fromSource':
      expect((await cache.getOrSet(one.id, load, { tags: one.tags, forceRefresh: true }))?.v).toBe(
        model.fromSource(one.id, one.tags),
      );
      break;
    case 'get':
      expect((await cache.get(one.id))?.v).toBe(model.get(one.id));
      break;
    case 'peek':
      if (world.peeks) {
        expect(cache.peek(one.id)?.v).toBe(model.isStale(one.id) === false ? model.get(one.id) : undefined);
      }
      break;
    case 'entry':
      expect((await cache.entry(one.id))?.stale).toBe(model.isStale(one.id));
      break;
    case 'change':
      model.change(one.id);
      break;
    case 'put':
      model.change(one.id);
      await cache.put(one.id, () => Promise.resolve({ id: one.id, v: model.version(one.id) }));
      model.store(one.id, model.version(one.id), []);
      break;
    case 'set':
      await cache.set(one.id, { id: one.id, v: model.version(one.id) }, { tags: one.tags });
      model.store(one.id, model.version(one.id), one.tags);
      break;
    case 'key':
      await (one.mode === 'delete' ? cache.delete(one.id) : cache.expire(one.id));
      model.invalidate((key) => key === one.id, one.mode);
      break;
    case 'tag':
      await strata.invalidateTags([one.tag], { mode: one.mode });
      model.invalidate((_key, known) => known.includes(one.tag), one.mode);
      break;
    case 'clear':
      await cache.clear({ mode: one.mode });
      model.invalidate(() => true, one.mode);
      break;
    case 'clear all':
      await strata.clear({ mode: one.mode });
      model.invalidate(() => true, one.mode);
      break;
    default:
      await clock.advance(one.ms);
      model.now += one.ms;
  }
  await world.calm();
  expect(world.loads).toBe(model.loads);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function run(
  commands: readonly (Command & { readonly on: number })[],
  make: () => Promise<World>,
): Promise<void> {
  const world = await make();
  for (const one of commands) {
    await step(world, one);
  }
}

function inProcess(grace: number): () => Promise<World> {
  return async () => {
    const clock = new FakeClock();
    const strata = createStrata({ clock });
    const caches = [strata.cache(versioned({ ttl: '10s', grace }))];
    const model = new ReferenceModel({ ttl: 10_000, grace });
    return { clock, stratas: [strata], caches, model, loads: 0, calm: turn, peeks: true };
  };
}

function coherentPair(grace: number): () => Promise<World> {
  return async () => {
    const clock = new FakeClock();
    const l2 = sharedMemory();
    const definition = versioned({ ttl: '10s', grace });
    const stratas = [0, 1].map(() => createStrata({ clock, l2, consistency: 'coherent' }));
    const caches = stratas.map((strata) => strata.cache(definition));
    const model = new ReferenceModel({ ttl: 10_000, grace });
    await settle();
    return { clock, stratas, caches, model, loads: 0, calm: settle, peeks: false };
  };
}

describe('the engine answers like the reference model', () => {
  it.each([
    ['in process, without grace', inProcess(0), 500],
    ['in process, with grace', inProcess(15_000), 500],
    ['two coherent instances over a second tier, without grace', coherentPair(0), 60],
    ['two coherent instances over a second tier, with grace', coherentPair(15_000), 60],
  ] as const)(
    '%s',
    async (_name, make, runs) => {
      let ran = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 100, maxLength: 100, size: 'max' }), async (commands) => {
          ran++;
          await run(commands, make);
        }),
        { numRuns: runs, seed },
      );
      expect(ran).toBe(runs);
    },
    120_000,
  );
});

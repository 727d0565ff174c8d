import fc from 'fast-check';
import { createStrata, type Cache, type Consistency, type L2Factory, type Strata } from '@strata-cache/core';
import { FakeClock, sharedMemory } from '@strata-cache/core/testing';
import { versioned, type Versioned } from './engine-kit.js';
import { steppedTier, type Step } from './stepped-tier.js';

export type Act = 'read' | 'fromSource' | 'delete' | 'expire' | 'tag' | 'clear' | 'clear all' | 'put';

export interface Line {
  readonly instance: 0 | 1;
  readonly act: Act;
  /** Starts only when the line before has ended: a reader after an acknowledgement is rare otherwise. */
  readonly after: boolean;
}

const ACTS: readonly Act[] = ['read', 'fromSource', 'delete', 'expire', 'tag', 'clear', 'clear all', 'put'];

/** A few actions of two instances on one key; half of them reads. */
export const script: fc.Arbitrary<readonly Line[]> = fc.array(
  fc.record({
    instance: fc.constantFrom(0 as const, 0 as const, 1 as const),
    act: fc.oneof(
      { weight: 5, arbitrary: fc.constant<Act>('read') },
      { weight: 1, arbitrary: fc.constant<Act>('delete') },
      { weight: 3, arbitrary: fc.constantFrom(...ACTS) },
    ),
    after: fc.boolean(),
  }),
  { minLength: 3, maxLength: 5 },
);

const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Steps in the order of fast-check's choice, with everything that follows from one done before the next. */
export const scheduler = (): fc.Arbitrary<fc.Scheduler> =>
  fc.scheduler({
    act: async (run) => {
      await run();
      await drained();
    },
  });

export interface RunOptions {
  readonly consistency: Consistency;
  /** Builds the shared tier; a mutant may stand here. */
  readonly shared?: (() => L2Factory) | undefined;
  /** Makes an engine worse, to see that the schedules notice. */
  readonly spoil?: ((strata: Strata) => void) | undefined;
}

export interface Violation {
  readonly what: string;
  readonly got: number;
  readonly needed: number;
}

/** Takes steps until the work is done. When there is no step to take, somebody waits for a wake-up that was lost: time goes on. */
async function drive(s: fc.Scheduler, clock: FakeClock, work: Promise<unknown>): Promise<void> {
  let done = false;
  const finish = (): void => void (done = true);
  work.then(finish, finish);
  await drained();
  for (let idle = 0; !done && idle < 1_000;) {
    if (s.count() > 0) {
      await s.waitOne();
    } else {
      idle++;
      await clock.advance(300);
    }
  }
  await work;
}

async function quiesce(s: fc.Scheduler): Promise<void> {
  await drained();
  while (s.count() > 0) {
    await s.waitOne();
  }
}

/**
 * Runs one script under one schedule. The value is the version of the source; an acknowledged invalidation makes every version before it
 * forbidden to reads that start later: on any instance in coherent mode, on the instance that wrote otherwise, and everywhere once all
 * messages have arrived.
 */
export async function runSchedule(lines: readonly Line[], s: fc.Scheduler, options: RunOptions): Promise<Violation[]> {
  const clock = new FakeClock();
  const shared = (options.shared ?? sharedMemory)();
  const step: Step = (label) => s.schedule(Promise.resolve(), label);
  const definition = versioned({ tags: ['t'] });
  const stratas = [0, 1].map((index) =>
    createStrata({ clock, consistency: options.consistency, l2: steppedTier(shared, `#${index}`, step) }),
  );
  stratas.forEach((strata) => options.spoil?.(strata));
  const caches = stratas.map((strata) => strata.cache(definition));
  let version = 0;
  const acknowledged = [0, 0];
  const violations: Violation[] = [];

  const load = async (): Promise<Versioned> => {
    const v = version;
    await step('load');
    return { id: 'a', v };
  };
  const acknowledge = (instance: number, v: number): void => {
    const everywhere = options.consistency === 'coherent' ? [0, 1] : [instance];
    everywhere.forEach((index) => (acknowledged[index] = Math.max(acknowledged[index], v)));
  };
  const change = async (): Promise<Versioned> => {
    await step('change');
    const v = ++version;
    await step('changed');
    return { id: 'a', v };
  };
  const changed = async (instance: number, invalidate: () => Promise<unknown>): Promise<void> => {
    const { v } = await change();
    await invalidate();
    acknowledge(instance, v);
  };
  const check = (what: string, got: number, needed: number): void => {
    if (got < needed) {
      violations.push({ what, got, needed });
    }
  };
  const perform = async ({ instance, act }: Line, cache: Cache<[string], Versioned | null>): Promise<void> => {
    const strata = stratas[instance];
    const needed = acknowledged[instance];
    switch (act) {
      case 'read':
        return check(`read on #${instance}`, (await cache.getOrSet('a', load))?.v ?? -1, needed);
      case 'fromSource':
        return check(`fromSource on #${instance}`, (await cache.fromSource('a', load))?.v ?? -1, needed);
      case 'delete':
        return changed(instance, () => cache.delete('a'));
      case 'expire':
        return changed(instance, () => cache.expire('a'));
      case 'tag':
        return changed(instance, () => strata.invalidateTags(['t']));
      case 'clear':
        return changed(instance, () => cache.clear());
      case 'clear all':
        return changed(instance, () => strata.clear());
      default:
        // A plain `set` is left out: it orders by arrival, so one of two racing writers may rightly leave the older value.
        return acknowledge(instance, (await cache.put('a', change)).v);
    }
  };

  const done: Promise<void>[] = [];
  for (const [index, line] of lines.entries()) {
    const before = line.after ? done[index - 1] : undefined;
    const started = (before ?? Promise.resolve()).then(() => step(`start ${index} ${line.act}`));
    done.push(started.then(() => perform(line, caches[line.instance])));
  }
  await drive(s, clock, Promise.all(done));
  // What goes on behind the answers (fills, deliveries, probes) may still do harm.
  await quiesce(s);
  for (const [index, cache] of caches.entries()) {
    const last = cache.getOrSet('a', load);
    await drive(s, clock, last);
    check(`in the end on #${index}`, (await last)?.v ?? -1, version);
    await quiesce(s);
  }
  const witness = createStrata({ clock, consistency: 'coherent', l2: shared });
  const stored = await witness.cache(definition).entry('a');
  check('stored in the second tier', stored?.value?.v ?? version, version);
  return violations;
}

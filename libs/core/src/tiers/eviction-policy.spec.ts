import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { L1Fill, L1Store } from './l1-store.js';
import { memoryTier } from './memory-tier.js';

/** The policies again, as plainly as they can be written: arrays of entries, oldest first, and a list of ghosts. */
interface Entry {
  readonly key: string;
  bytes: number;
  uses: number;
}

interface Model {
  readonly removed: string[];
  entries(): Entry[];
  use(key: string): void;
  set(key: string, bytes: number): boolean;
  delete(key: string, cause: string): void;
  clear(): void;
}

const total = (entries: Entry[]): number => entries.reduce((sum, { bytes }) => sum + bytes, 0);
const take = (queue: Entry[], key: string): Entry | undefined => {
  const at = queue.findIndex((entry) => entry.key === key);
  return at === -1 ? undefined : queue.splice(at, 1)[0];
};

/** What both policies share: `queues` of entries, and hooks for where a new key goes and who is evicted. */
function model(
  maxEntries: number,
  maxBytes: number,
  queues: Entry[][],
  hooks: { admit(entry: Entry): void; evict(): Entry; use(entry: Entry, queue: Entry[]): void; clear(): void },
): Model {
  const removed: string[] = [];
  const entries = (): Entry[] => queues.flat();
  const queueOf = (key: string): Entry[] | undefined =>
    queues.find((queue) => queue.some((entry) => entry.key === key));
  const makeRoom = (count: number, bytes: number): void => {
    while (entries().length + count > maxEntries || total(entries()) + bytes > maxBytes) {
      removed.push(`${hooks.evict().key} evicted`);
    }
  };
  const use = (key: string): void => {
    const queue = queueOf(key);
    const entry = queue?.find((known) => known.key === key);
    if (queue !== undefined && entry !== undefined) hooks.use(entry, queue);
  };
  return {
    removed,
    entries,
    use,
    set(key, bytes) {
      const queue = queueOf(key);
      const known = queue === undefined ? undefined : take(queue, key);
      if (bytes > maxBytes) {
        if (known !== undefined) removed.push(`${key} replaced`);
        return false;
      }
      makeRoom(1, bytes);
      if (queue === undefined || known === undefined) {
        hooks.admit({ key, bytes, uses: 0 });
      } else {
        queue.push({ ...known, bytes });
        use(key);
        removed.push(`${key} replaced`);
      }
      return true;
    },
    delete(key, cause) {
      const queue = queueOf(key);
      if (queue === undefined) return;
      take(queue, key);
      removed.push(`${key} ${cause}`);
    },
    clear() {
      removed.push(...entries().map(({ key }) => `${key} deleted`));
      for (const queue of queues) queue.length = 0;
      hooks.clear();
    },
  };
}

function lruModel(maxEntries: number, maxBytes: number): Model {
  const queue: Entry[] = [];
  return model(maxEntries, maxBytes, [queue], {
    admit: (entry) => queue.push(entry),
    evict: () => queue.shift() as Entry,
    use: (entry) => {
      take(queue, entry.key);
      queue.push(entry);
    },
    clear: () => {},
  });
}

function s3FifoModel(maxEntries: number, maxBytes: number): Model {
  const small: Entry[] = [];
  const main: Entry[] = [];
  let ghosts: (string | undefined)[] = [];
  let mostHeld = 0;
  const ghostsKept = (): number => {
    // The table doubles from 64 slots as it fills, and remembers nine tenths of its slots.
    let slots = Math.min(64, maxEntries);
    while (slots < mostHeld) slots = Math.min(slots * 2, maxEntries);
    return Math.max(1, slots - Math.floor(slots / 10));
  };
  const smallGivesWay = (): boolean =>
    small.length > 0 &&
    (main.length === 0 || small.length >= Math.max(1, Math.floor(maxEntries / 10)) || total(small) >= maxBytes * 0.1);
  return model(maxEntries, maxBytes, [small, main], {
    admit(entry) {
      const ghost = ghosts.indexOf(entry.key);
      if (ghost === -1) {
        small.push(entry);
      } else {
        ghosts[ghost] = undefined;
        main.push(entry);
      }
      mostHeld = Math.max(mostHeld, small.length + main.length);
    },
    evict() {
      while (smallGivesWay()) {
        const entry = small.shift() as Entry;
        if (entry.uses === 0) {
          ghosts.push(entry.key);
          ghosts = ghosts.slice(-ghostsKept());
          return entry;
        }
        main.push({ ...entry, uses: 0 });
      }
      while (main[0].uses > 0) main.push({ ...main[0], uses: (main.shift() as Entry).uses - 1 });
      return main.shift() as Entry;
    },
    use(entry) {
      entry.uses = Math.min(entry.uses + 1, 2);
    },
    clear() {
      ghosts = [];
      mostHeld = 0;
    },
  });
}

type Step = readonly [kind: 'set' | 'use' | 'delete' | 'expire' | 'clear', key: number, bytes: number];

const LIFE = { createdAt: 10, checkAt: 20, staleAt: 20, goneAt: 30, sequence: 0 };

function perform(store: L1Store, reference: Model, [kind, number, bytes]: Step): void {
  const key = `k${number}`;
  const fill: L1Fill = {
    ...LIFE,
    value: key,
    bytes,
    tags: number % 5 === 0 ? [key] : undefined,
    id: number % 7 === 0 ? key : '',
  };
  const slot = store.find(key);
  if (kind === 'set') {
    const stored = store.set(key, fill);
    if (stored !== reference.set(key, bytes)) throw new Error(`set ${key} answered ${stored}`);
  } else if (kind === 'use') {
    if (slot !== -1) store.touch(slot);
    reference.use(key);
  } else if (kind === 'expire') {
    if (slot !== -1) store.expire(slot);
  } else if (kind === 'delete') {
    store.delete(key, 'overtaken');
    reference.delete(key, 'overtaken');
  } else {
    store.clear();
    reference.clear();
  }
}

function compare(store: L1Store, reference: Model): void {
  const entries = reference.entries();
  expect([store.size, store.bytes]).toEqual([entries.length, total(entries)]);
  const resident = entries.map(({ key }) => {
    const slot = store.find(key);
    const extras = [store.tagsOf(slot)?.[0] ?? key, store.idOf(slot) || key];
    return [store.keyOf(slot), store.values[slot], ...extras, store.goneAt(slot)];
  });
  expect(resident).toEqual(entries.map(({ key }) => [key, key, key, key, 30]));
  // Nothing is held for slots that hold no entry.
  expect(store.values.filter((value) => value !== undefined)).toHaveLength(entries.length);
}

function steps(keys: number, largest: number, length: number): fc.Arbitrary<Step[]> {
  const kind = fc.oneof(
    { weight: 50, arbitrary: fc.constant('set' as const) },
    { weight: 50, arbitrary: fc.constant('use' as const) },
    { weight: 10, arbitrary: fc.constant('delete' as const) },
    { weight: 5, arbitrary: fc.constant('expire' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  );
  return fc.array(fc.tuple(kind, fc.integer({ min: 0, max: keys }), fc.integer({ min: 0, max: largest })), {
    minLength: length / 4,
    maxLength: length,
    size: 'max',
  });
}

/** Ends the search for a smaller counterexample, so that a failure is reported within a minute. */
const LIMIT = { interruptAfterTimeLimit: 10_000 };

describe.each([
  ['s3-fifo', s3FifoModel],
  ['lru', lruModel],
] as const)('%s decides as its plain model does', (policy, makeModel) => {
  function follow(maxEntries: number, maxBytes: number, script: Step[]): void {
    const removed: string[] = [];
    const store = memoryTier({ policy, maxEntries, maxBytes }).create((key, cause) => removed.push(`${key} ${cause}`));
    const reference = makeModel(maxEntries, maxBytes);
    for (const step of script) {
      perform(store, reference, step);
      if (step[0] === 'clear') {
        removed.sort();
        reference.removed.sort();
      }
      // Compared by hand: an `expect` per step would take most of the time.
      const within = store.size <= maxEntries && store.bytes <= maxBytes;
      if (!within || removed.join() !== reference.removed.join()) {
        expect([within, ...removed]).toEqual([true, ...reference.removed]);
      }
      removed.length = reference.removed.length = 0;
    }
    compare(store, reference);
  }

  it('limited by entries', () => {
    const limit = fc.integer({ min: 1, max: 25 });
    fc.assert(
      fc.property(limit, steps(40, 1, 300), (maxEntries, script) => follow(maxEntries, 1e9, script)),
      { ...LIMIT, numRuns: 150 },
    );
  });

  it('limited by bytes', () => {
    const limit = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(limit, steps(30, 40, 300), (maxBytes, script) => follow(1_000, maxBytes, script)),
      { ...LIMIT, numRuns: 150 },
    );
  });

  it('limited by both', () => {
    const limits = [fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 150 })] as const;
    fc.assert(fc.property(...limits, steps(30, 20, 300), follow), { ...LIMIT, numRuns: 150 });
  });

  it('growing over several doublings', () => {
    const limit = fc.integer({ min: 100, max: 300 });
    fc.assert(
      fc.property(limit, steps(500, 3, 2_000), (maxEntries, script) => follow(maxEntries, 400, script)),
      { ...LIMIT, numRuns: 15 },
    );
    fc.assert(
      fc.property(limit, steps(500, 3, 2_000), (maxEntries, script) => follow(maxEntries, 1e9, script)),
      { ...LIMIT, numRuns: 15 },
    );
  });
});

describe('s3-fifo', () => {
  const set = (store: L1Store, key: string): boolean =>
    store.set(key, { ...LIFE, value: key, bytes: 1, tags: undefined, id: '' });

  it('keeps what was used through a scan ten times the size of the tier, where lru loses it', () => {
    const survivors = (policy: 's3-fifo' | 'lru'): number => {
      const store = memoryTier({ policy, maxEntries: 100 }).create();
      for (let n = 0; n < 50; n++) set(store, `hot${n}`);
      for (let n = 0; n < 50; n++) store.touch(store.find(`hot${n}`));
      for (let n = 0; n < 1_000; n++) set(store, `scan${n}`);
      return Array.from({ length: 50 }, (_, n) => store.find(`hot${n}`)).filter((slot) => slot !== -1).length;
    };
    expect([survivors('s3-fifo'), survivors('lru')]).toEqual([50, 0]);
  });

  it('lets a key that comes back soon stay', () => {
    const store = memoryTier({ maxEntries: 20 }).create();
    for (let n = 0; n < 21; n++) set(store, `k${n}`);
    expect(store.find('k0')).toBe(-1);
    set(store, 'k0');
    for (let n = 100; n < 118; n++) set(store, `k${n}`);
    expect(store.find('k0')).not.toBe(-1);
  });
});

import {
  type Cache,
  createStrata,
  defineCache,
  type L2Factory,
  type SharedTier,
  type Strata,
  systemClock,
} from '@strata-cache/core';
import type { Mode } from './checker.js';
import type { Cell, Family } from './registers.js';

/** Short enough that entries also end by age during a run. */
const cells = defineCache<[key: string], Cell>({
  name: 'cells',
  version: 1,
  owner: 'history',
  key: (key) => key,
  ttl: '5s',
  tags: (cell) => [...cell.tags],
});

const graceCells = defineCache<[key: string], Cell>({
  name: 'grace-cells',
  version: 1,
  owner: 'history',
  key: (key) => key,
  ttl: '1s',
  grace: '10s',
  tags: (cell) => [...cell.tags],
});

/** Whoever finds a stale value here waits for the load, and the load always comes. */
const softCells = defineCache<[key: string], Cell>({
  name: 'soft-cells',
  version: 1,
  owner: 'history',
  key: (key) => key,
  ttl: '3s',
  grace: '10s',
  softTimeout: '60s',
  tags: (cell) => [...cell.tags],
});

export type CellCache = Cache<[key: string], Cell>;

export interface InstanceOptions {
  readonly mode: Mode;
  readonly maxStaleness: number;
  readonly heartbeat: number;
  readonly l2: L2Factory;
  /** How wrong the wall clock of this instance is, ms. */
  readonly skew: number;
}

/** One engine as an application would build it. */
export class Instance {
  readonly strata: Strata;
  /** The second tier without its guard, for a writer that dies in the middle. */
  readonly tier: () => SharedTier;
  readonly #cells: CellCache;
  readonly #graceCells: CellCache;
  readonly #softCells: CellCache;

  constructor({ mode, maxStaleness, heartbeat, l2, skew }: InstanceOptions) {
    let tier: SharedTier | undefined;
    const tapped: L2Factory = {
      kind: 'l2',
      create(context) {
        const parts = l2.create(context);
        tier = parts.tier;
        return parts;
      },
    };
    this.strata = createStrata({
      namespace: NAMESPACE,
      l2: tapped,
      consistency: mode === 'bounded' ? 'bounded' : 'coherent',
      maxStaleness,
      heartbeat,
      clock: skew === 0 ? systemClock : { ...systemClock, wall: () => Date.now() + skew },
    });
    this.tier = () => tier as SharedTier;
    this.#cells = this.strata.cache(cells);
    this.#graceCells = this.strata.cache(graceCells);
    this.#softCells = this.strata.cache(softCells);
  }

  cache(family: Family): CellCache {
    return family === 'grace' ? this.#graceCells : family === 'soft' ? this.#softCells : this.#cells;
  }
}

export const NAMESPACE = 'history';

/** The key of a held register as the second tier is given it. */
export function logicalKey({ key }: { readonly key: string }): string {
  return `${cells.name}:v1:${key}`;
}

import type { L1Space, L1Store } from './l1-store.js';

const NO_INSTANTS = new Float64Array(0);
const NO_SPACE: L1Space = { find: () => -1, locate: () => -1 };

/** A first tier that never holds anything, for engines and caches that do without one. Without state, hence shared by all. */
export const nullTier: L1Store = {
  size: 0,
  bytes: 0,
  values: [],
  checkAt: NO_INSTANTS,
  sequence: NO_INSTANTS,
  find: () => -1,
  space: () => NO_SPACE,
  touch: () => {},
  promiseOf: () => Promise.resolve(),
  staleAt: () => -Infinity,
  goneAt: () => -Infinity,
  createdAt: () => -Infinity,
  tagsOf: () => undefined,
  idOf: () => '',
  keyOf: () => '',
  set: () => false,
  revalidate: () => {},
  prolong: () => {},
  expire: () => {},
  delete: () => false,
  clear: () => {},
};

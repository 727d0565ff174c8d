import type { L1Store } from './l1-store.js';

const NO_INSTANTS = new Float64Array(0);

/** A first tier that never holds anything, for engines and caches that do without one. Without state, hence shared by all. */
export const nullTier: L1Store = {
  size: 0,
  bytes: 0,
  values: [],
  checkAt: NO_INSTANTS,
  sequence: NO_INSTANTS,
  find: () => -1,
  touch: () => {},
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

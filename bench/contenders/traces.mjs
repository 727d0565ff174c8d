import { KEYS, traces } from '../../test/integration/l1-traces.ts';
import { seeded } from './keys.mjs';

const SEED = 20_231_023;

/** The seven traces that the tests use, and two loops that no recency can serve. */
export function nineTraces(length) {
  const seven = traces(length, SEED);
  const random = seeded(SEED + 1);
  const [zipf] = seven;
  let turn = 0;
  const loop = Uint32Array.from({ length }, (_, at) => at % KEYS);
  const mixed = Uint32Array.from({ length }, (_, at) =>
    random() < 0.5 ? KEYS + (turn++ % (KEYS / 5)) : zipf.requests[at],
  );
  return [...seven, { name: 'loop over all keys', requests: loop }, { name: 'loop 50 % + zipf 50 %', requests: mixed }];
}

import { strataModule } from '../contenders/strata.mjs';
import { policies } from '../contenders/policies.mjs';
import { nineTraces } from '../contenders/traces.mjs';

/** Hit ratios of the second half of each trace; the first half warms up. */
export async function prepare({ length, capacity }) {
  const all = nineTraces(length);
  const { memoryTier } = await strataModule('core');
  return {
    about: all.map(({ name }) => name),
    async run(index) {
      const { requests } = all[index];
      const ours = (policy) => strataRatio(memoryTier, policy, requests, capacity);
      return {
        'strata (s3-fifo)': ours('s3-fifo'),
        'strata (lru)': ours('lru'),
        ...Object.fromEntries(Object.entries(policies).map(([name, ratio]) => [name, ratio(requests, capacity)])),
      };
    },
  };
}

function strataRatio(memoryTier, policy, requests, capacity) {
  const store = memoryTier({ policy, maxEntries: capacity, maxBytes: '1gb' }).create();
  const space = store.space('product:v1:');
  const life = {
    createdAt: 0,
    checkAt: 1,
    staleAt: 1,
    goneAt: 1,
    sequence: 0,
    tags: undefined,
    id: '',
    bytes: 100,
    value: 'v',
  };
  const warm = requests.length / 2;
  let hits = 0;
  for (let at = 0; at < requests.length; at++) {
    const part = requests[at];
    const slot = space.find(part);
    if (slot === -1) {
      store.set(`product:v1:#${part}`, { ...life, part });
    } else {
      store.touch(slot);
      if (at >= warm) hits++;
    }
  }
  return hits / (requests.length - warm);
}

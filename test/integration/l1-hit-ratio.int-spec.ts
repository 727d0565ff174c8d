import { beforeAll, describe, expect, it } from '@jest/globals';
import type { L1Fill } from '../../libs/core/src/tiers/l1-store.js';
import { memoryTier, type MemoryTierOptions } from '../../libs/core/src/tiers/memory-tier.js';
import { KEYS, traces } from './l1-traces.js';

const REQUESTS = 500_000;
const CAPACITY = KEYS / 10;
const SEED = 20_231_023;
const FILL: L1Fill = {
  value: 'v',
  bytes: 100,
  createdAt: 0,
  checkAt: 60_000,
  staleAt: 60_000,
  goneAt: 60_000,
  sequence: 0,
  tags: undefined,
  id: '',
};

/** Hits per request of the second half; the first half warms the tier. */
function hitRatio(policy: MemoryTierOptions['policy'], requests: Uint32Array, names: string[]): number {
  const store = memoryTier({ policy, maxEntries: CAPACITY, maxBytes: '1gb' }).create();
  const warm = requests.length / 2;
  let hits = 0;
  for (let at = 0; at < requests.length; at++) {
    const key = (names[requests[at]] ??= `product:${requests[at]}`);
    const slot = store.find(key);
    if (slot === -1) {
      store.set(key, FILL);
    } else {
      store.touch(slot);
      if (at >= warm) hits++;
    }
  }
  expect(store.size).toBeLessThanOrEqual(CAPACITY);
  return hits / (requests.length - warm);
}

describe('hit ratio of the first tier, room for a tenth of 100,000 keys', () => {
  const measured = new Map<string, { lru: number; s3: number }>();

  beforeAll(() => {
    const names: string[] = [];
    for (const { name, requests } of traces(REQUESTS, SEED)) {
      measured.set(name, { lru: hitRatio('lru', requests, names), s3: hitRatio('s3-fifo', requests, names) });
    }
    const rows = [...measured].map(
      ([name, { lru, s3 }]) =>
        `${name.padEnd(36)}  lru ${lru.toFixed(3)}  s3-fifo ${s3.toFixed(3)}  ${s3 < lru ? '' : '+'}${(s3 - lru).toFixed(3)}`,
    );
    process.stdout.write(`${rows.join('\n')}\n`);
  });

  it('is at least 0.77 on zipf 0.99', () => {
    expect(measured.get('zipf 0.99')?.s3).toBeGreaterThanOrEqual(0.77);
  });

  it('is never more than 0.04 under LRU, whatever the trace', () => {
    expect(measured.size).toBe(7);
    for (const [name, { lru, s3 }] of measured) {
      expect({ name, behind: lru - s3 > 0.04 }).toEqual({ name, behind: false });
    }
  });

  it('resists scans and one-hit wonders: at least 0.05 over LRU', () => {
    for (const name of ['zipf 0.99 + periodic scan 20 %', 'zipf 0.99 + one-hit wonders 30 %']) {
      const { lru, s3 } = measured.get(name) ?? { lru: 1, s3: 0 };
      expect(s3 - lru).toBeGreaterThan(0.05);
    }
  });
});

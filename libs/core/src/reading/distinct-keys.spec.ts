import { describe, expect, it } from '@jest/globals';
import { DistinctKeys } from './distinct-keys.js';

describe('DistinctKeys', () => {
  it('counts none, one, and the same one again', () => {
    const keys = new DistinctKeys();
    expect(keys.estimate).toBe(0);
    for (let time = 0; time < 1_000; time++) keys.add('product:v1:42');
    expect(keys.estimate).toBe(1);
  });

  it.each([10, 100, 1_000, 3_000, 5_000, 8_000, 30_000])('is within 8 %% of %d', (count) => {
    for (const prefix of ['product:v1:', 'user:v3:@tenant|', '']) {
      const keys = new DistinctKeys();
      for (let id = 0; id < count; id++) keys.add(`${prefix}${id}`);
      // 2.3 % standard error: 8 % is three and a half of it.
      expect(Math.abs(keys.estimate - count) / count).toBeLessThan(0.08);
    }
  });
});

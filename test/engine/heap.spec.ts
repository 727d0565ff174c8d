import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { heapRun } from './heap-run.js';

it('the heap stays flat under 40,000 distinct keys with room for 1,000', async () => {
  setFlagsFromString('--expose-gc');
  globalThis.gc ??= runInNewContext('gc') as typeof globalThis.gc;
  const { fullMb, endMb, entries, loads } = await heapRun(40_000, 1_000);
  expect(loads).toBe(40_000);
  expect(entries).toBe(1_000);
  // One retained object of 100 bytes per key would be 4 MB.
  expect(endMb - fullMb).toBeLessThan(3);
});

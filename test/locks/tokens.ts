import { createStrata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import type { RedisServer } from '../support/redis-server.js';

/** What becomes of the data between two grants. */
export const LOSSES = ['restart empty', 'restart from an older RDB', 'FLUSHALL', 'fence deleted'] as const;

export interface TokenResult {
  readonly rounds: number;
  readonly grants: number;
  readonly fallen: number;
}

/** Tokens of one lock through losses of data, each taken by an instance that has never seen one before. */
export async function tokens(server: RedisServer, rounds: number): Promise<TokenResult> {
  const seen: bigint[] = [];
  const grant = async (count: number): Promise<void> => {
    const strata = createStrata({ namespace: 'locks', l2: redis({ url: server.url }) });
    for (let index = 0; index < count; index++) {
      const lease = await strata.locks.acquire('token', { wait: '20s' });
      seen.push(lease.token);
      await lease.release();
    }
    await strata.close();
  };
  for (let round = 0; round < rounds; round++) {
    const loss = LOSSES[round % LOSSES.length];
    await grant(2);
    await server.saveRdb();
    await grant(2);
    if (loss === 'FLUSHALL') {
      await server.cli('FLUSHALL');
    } else if (loss === 'fence deleted') {
      await server.cli('DEL', 'strata:{locks.0}:lf:token');
    } else {
      await server.kill9();
      await server.restart({ keepData: loss === 'restart from an older RDB' });
    }
  }
  await grant(1);
  return {
    rounds,
    grants: seen.length,
    fallen: seen.filter((token, index) => index > 0 && token <= seen[index - 1]).length,
  };
}

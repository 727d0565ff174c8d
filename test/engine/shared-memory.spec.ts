import { FakeClock, sharedMemory } from '@strata-cache/core/testing';
import { sharedTierContract } from '../contract/shared-tier.contract.js';

sharedTierContract('shared memory', () => {
  const memory = sharedMemory();
  const clock = new FakeClock();
  return Promise.resolve({
    create: (context) => memory.create({ ...context, clock }),
    advance: (ms) => clock.advance(ms),
    loseState: () => Promise.resolve(memory.flush()),
    close: () => Promise.resolve(),
  });
});

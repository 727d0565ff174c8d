import { memoryBus } from '@strata-cache/core';
import { FakeClock, settle, sharedMemory } from '@strata-cache/core/testing';
import { busContract } from '../contract/bus.contract.js';

busContract('memoryBus', async () => {
  const bus = memoryBus();
  const members = [bus.create(), bus.create()] as const;
  return {
    members,
    send: (event) => members[0].publish!(event),
    arrived: settle,
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
});

busContract('sharedMemory', async () => {
  const store = sharedMemory();
  const context = {
    namespace: 'n',
    clock: new FakeClock(),
    observer: {},
    maxStaleness: 5_000,
    onSuspect: () => undefined,
  };
  const [one, other] = [store.create(context), store.create(context)];
  return {
    members: [one.bus, other.bus],
    send: (event) => {
      if (event.kind === 'keys') {
        return one.tier.invalidateKeys(event.keys, event.mode);
      }
      return event.kind === 'tags' ? one.tier.invalidateTags(event.tags, event.mode) : one.tier.clear(event.mode);
    },
    arrived: settle,
    close: async () => {
      await Promise.all([one.bus.close(), other.bus.close(), one.tier.close(), other.tier.close()]);
    },
  };
});

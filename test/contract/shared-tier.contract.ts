import { afterEach, beforeEach, describe } from '@jest/globals';
import { busContract } from './shared-tier-bus.contract.js';
import { fillContract } from './shared-tier-fill.contract.js';
import { invalidationContract } from './shared-tier-invalidation.contract.js';
import { failedLoadContract } from './shared-tier-failed-load.contract.js';
import { leaseContract } from './shared-tier-lease.contract.js';
import { Instance, type Context, type ContractContext, type MakeEnvironment } from './shared-tier.harness.js';
import { modelContract } from './shared-tier-model.contract.js';
import { putContract } from './shared-tier-put.contract.js';
import { readContract } from './shared-tier-read.contract.js';

export type { MakeEnvironment, SharedTierEnvironment } from './shared-tier.harness.js';

/** Everything a second tier must hold, whatever it is made of (docs/protocol.md 4 and 11). */
export function sharedTierContract(name: string, make: MakeEnvironment): void {
  describe(`${name}: shared tier contract`, () => {
    let context: ContractContext;

    beforeEach(async () => {
      const environment = await make();
      context = { environment, a: new Instance(environment), b: new Instance(environment) };
      await Promise.all([context.a.ready(), context.b.ready()]);
    });

    afterEach(async () => {
      await Promise.all([context.a.close(), context.b.close()]);
      await context.environment.close();
    });

    const current: Context = () => context;
    readContract(current);
    leaseContract(current);
    failedLoadContract(current);
    fillContract(current);
    putContract(current);
    invalidationContract(current);
    busContract(current);
    modelContract(current);
  });
}

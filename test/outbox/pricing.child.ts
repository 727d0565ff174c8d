import { serveCalls } from '../support/child-side.js';
import { startPricing } from './pricing-app.js';
import type { Location } from './sql-backends.js';

/** Where the process ends by SIGKILL: nothing of it runs afterwards, not even a `finally`. */
export type Death = 'after the commit' | 'while publishing' | 'after publishing';

const [, , location, natsUrl, pollInterval] = process.argv;
let death: Death | undefined;
const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};

const pricing = await startPricing(JSON.parse(location) as Location, natsUrl, Number(pollInterval), {
  beforePublishing: async () => {
    // Nor may its own relay be faster than its death.
    if (death === 'while publishing' || death === 'after the commit') await die();
  },
  afterPublishing: async () => {
    if (death === 'after publishing') await die();
  },
});

const handlers = serveCalls({
  /** Commits a price, and dies where it is told to; `'after the commit'`: before anything is emitted. */
  async change({ id, cents, how, dying }: { id: string; cents: number; how: 'outbox' | 'emit'; dying: Death }) {
    death = dying;
    await pricing.commit(id, cents, how === 'outbox');
    if (dying === 'after the commit') await die();
    // Another relay may have been faster, and then there is nothing left here to publish: it dies all the same.
    setTimeout(() => void die(), 2_000);
    if (how === 'emit') await pricing.events.emit('price.changed', { id });
    else pricing.relay.wake();
  },
});

export type PricingHandlers = typeof handlers;

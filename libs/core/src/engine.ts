import type { Background } from './background.js';
import type { Clock } from './clock/clock.js';
import type { CoarseClock } from './clock/coarse-clock.js';
import type { Coherence } from './coherence/coherence.js';
import type { BusEvent } from './bus/bus.js';
import type { Observer } from './observer.js';
import type { Tally } from './tally.js';
import type { L1Store } from './tiers/l1-store.js';
import type { GuardedTier } from './tiers/guarded-tier.js';

/** What to do with L1 when neither the bus nor the second tier can vouch for it. */
export type WhenDisconnected = 'bypass' | 'serve';

/** The assembled parts of one engine, complete at construction. */
export interface Engine {
  readonly namespace: string;
  readonly clock: Clock;
  /** Decides ttl; never bounded staleness. */
  readonly coarse: CoarseClock;
  readonly observer: Observer;
  readonly tally: Tally;
  readonly background: Background;
  readonly l1: L1Store;
  readonly coherence: Coherence;
  /** The second tier, guarded by deadlines and a breaker; absent: everything works in process. */
  readonly tier: GuardedTier | undefined;
  /** Publishes invalidations when no tier does. */
  readonly publish: ((event: BusEvent) => Promise<void>) | undefined;
  readonly whenDisconnected: WhenDisconnected;
  /** Whether an unacknowledged invalidation is an error; unset: it is in coherent mode. */
  readonly strict: boolean | undefined;
}

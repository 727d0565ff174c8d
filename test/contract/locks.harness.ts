import type { Locks } from '@strata-cache/core';

/** What a lock service brings to the contract. */
export interface LocksHarness {
  readonly locks: Locks;
  /** Lets `ms` pass, timers included: a fake clock in memory, real time against a server. */
  advance(ms: number): Promise<void>;
  /** The process stands still for `ms`: time passes, no timer runs. Only where the clock can be steered. */
  stall?(ms: number): void;
  close(): Promise<void>;
}

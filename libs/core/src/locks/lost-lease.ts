import { show } from '../duration.js';
import { LeaseLostError } from '../errors.js';

const REASONS = {
  released: 'the lease has been released',
  revoked: 'the lease has been released because the lock service was closed',
  lost: 'the lease ran out or was lost; nothing guarded by it may be written any more',
};

/** Where a lease stands. `revoked`: released by closing the lock service. */
export type LeaseState = 'held' | keyof typeof REASONS;

/** The error of a lease that is not held any more. */
export function lostLease(key: string, state: LeaseState): LeaseLostError {
  return new LeaseLostError(`lock ${show(key)}: ${REASONS[state === 'held' ? 'lost' : state]}`);
}

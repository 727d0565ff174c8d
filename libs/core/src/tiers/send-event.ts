import type { BusEvent } from '../bus/bus.js';
import type { SharedTier } from './tier.js';

/** Carries an invalidation out in a tier, which publishes it in the same step. */
export function sendEvent(tier: SharedTier, event: BusEvent): Promise<void> {
  if (event.kind === 'keys') {
    return tier.invalidateKeys(event.keys, event.mode);
  }
  return event.kind === 'tags' ? tier.invalidateTags(event.tags, event.mode) : tier.clear(event.mode);
}

import type { Background } from '../background.js';
import type { Clock, TimerHandle } from '../clock/clock.js';
import type { FillLease, FillRecord, SharedTier } from '../tiers/tier.js';

/** ms a lease lives between renewals: short, because its loss only costs a rejected fill; above event-loop stalls (docs/protocol.md 8). */
export const LEASE_TTL = 2_000;

/**
 * The right to fill one key of the second tier, renewed while the loader runs and given up exactly once: by filling or by release.
 */
export class FillRight {
  readonly #tier: SharedTier;
  readonly #key: string;
  readonly #lease: FillLease;
  readonly #clock: Clock;
  readonly #background: Background;
  #timer: TimerHandle | undefined;
  #ended = false;

  constructor(tier: SharedTier, key: string, lease: FillLease, clock: Clock, background: Background) {
    this.#tier = tier;
    this.#key = key;
    this.#lease = lease;
    this.#clock = clock;
    this.#background = background;
    this.#scheduleRenewal();
  }

  /** False when an invalidation overtook the load. Rejects when the tier did not acknowledge. */
  fill(record: FillRecord, announce: boolean): Promise<boolean> {
    this.#end();
    return this.#tier.fill(this.#key, this.#lease, record, announce);
  }

  /**
   * Gives the right back unused, in the background, and wakes who waits for this load: one of them takes it over. With `word` (its error in
   * wire form, or `''`) the load has ended and will never store anything: each of them is told so, and nobody waits for a second load.
   */
  release(word?: string): void {
    if (!this.#ended) {
      this.#end();
      this.#background.run('l2.release', () => this.#tier.release(this.#key, this.#lease, word));
    }
  }

  #end(): void {
    this.#ended = true;
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
    }
  }

  #scheduleRenewal(): void {
    this.#timer = this.#clock.setTimeout(() => this.#background.run('l2.renew', () => this.#renew()), LEASE_TTL / 3);
  }

  async #renew(): Promise<void> {
    // Unreachable for now: try again, the lease may still be there. Lost: the fill will be refused, nothing to do.
    const ours = await this.#tier.renew(this.#key, this.#lease.token, LEASE_TTL).catch(() => true);
    if (ours && !this.#ended) {
      this.#scheduleRenewal();
    }
  }
}

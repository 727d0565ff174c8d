import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { asBoolean, readOptions, Strata } from '@strata-cache/core';

/** Options of {@link CacheHealthIndicator.isHealthy}. */
export interface CacheHealthOptions {
  /**
   * Report `down` while the second tier is left out, or the bus is not proven alive. Default false: the application serves without them, and a
   * health check that takes all instances out because Redis is away makes an outage of a slowdown.
   */
  readonly requireSecondTier?: boolean | undefined;
}

const RULES = { requireSecondTier: asBoolean };

/** How the cache is, for @nestjs/terminus: `health.check([() => cache.isHealthy('cache')])`. It asks nobody: it reports what the engine knows. */
@Injectable()
export class CacheHealthIndicator {
  readonly #strata: Strata;
  readonly #health: HealthIndicatorService;

  constructor(@Inject(Strata) strata: Strata, @Inject(HealthIndicatorService) health: HealthIndicatorService) {
    this.#strata = strata;
    this.#health = health;
  }

  /** @throws CacheConfigError naming an unknown option */
  isHealthy<Key extends string>(key: Key, options: CacheHealthOptions = {}): HealthIndicatorResult<Key> {
    const { requireSecondTier = false } = readOptions('CacheHealthIndicator.isHealthy', options, RULES);
    const { breaker, unsent, heartbeatAge, l1Entries, l1Bytes } = this.#strata.stats();
    const bus = !this.#strata.isShared
      ? 'none'
      : heartbeatAge <= this.#strata.settings.maxStaleness
        ? 'alive'
        : 'silent';
    const details = { breaker, bus, unsentInvalidations: unsent, l1Entries, l1Bytes };
    const check = this.#health.check(key);
    const isDown = requireSecondTier && (breaker === 'open' || bus === 'silent');
    return isDown ? check.down(details) : check.up(details);
  }
}

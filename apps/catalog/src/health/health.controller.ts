import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { CacheDoctor } from '@strata-cache/nestjs';
import { CacheHealthIndicator } from '@strata-cache/nestjs/terminus';

/** Is it well? `/health` for the load balancer, `/health/cache` for people. */
@ApiTags('health')
@Controller('health')
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #cache: CacheHealthIndicator;
  readonly #doctor: CacheDoctor;

  constructor(health: HealthCheckService, cache: CacheHealthIndicator, doctor: CacheDoctor) {
    this.#health = health;
    this.#cache = cache;
    this.#doctor = doctor;
  }

  // Up without Redis: every page is answered from the database then.
  @Get()
  @HealthCheck()
  @ApiOkResponse({ description: 'How the cache is; up also while Redis is away' })
  async check(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#cache.isHealthy('cache')]);
  }

  @Get('cache')
  @ApiOkResponse({ description: 'What the doctor finds, with remedies, and the checklist of every cache' })
  async examine(): Promise<{ report: readonly string[]; checklist: readonly string[] }> {
    const { report, table } = await this.#doctor.examine();
    return { report, checklist: table };
  }
}

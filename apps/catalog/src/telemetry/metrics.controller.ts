import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Telemetry } from './telemetry.js';

/** What Prometheus scrapes. It holds numbers and names of caches, no keys; keep it from the public all the same. */
@ApiExcludeController()
@Controller('metrics')
export class MetricsController {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  async metrics(): Promise<string> {
    return this.#telemetry.scrape();
  }
}

import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { Telemetry } from './telemetry.js';

@Module({ controllers: [MetricsController] })
export class TelemetryModule implements OnApplicationShutdown {
  readonly #telemetry: Telemetry;

  constructor(@Inject(Telemetry) telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  static forRoot(telemetry: Telemetry): DynamicModule {
    return { module: TelemetryModule, providers: [{ provide: Telemetry, useValue: telemetry }] };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#telemetry.close();
  }
}

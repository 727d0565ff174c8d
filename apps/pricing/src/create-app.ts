import { Logger, ValidationPipe, type INestApplication, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { AppModule } from './app.module.js';
import type { Settings } from './settings.js';
import { traceRequests } from './telemetry/trace-requests.js';

/** Builds the application, answering messages but not yet HTTP: `main.ts` serves it, the tests talk to it. */
export async function createApp(settings: Settings, logger?: LogLevel[] | false): Promise<INestApplication> {
  const app: INestApplication = await NestFactory.create(AppModule.forRoot(settings), { logger, abortOnError: false });
  app.use(traceRequests);
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  app.enableShutdownHooks();
  if (settings.natsUrl !== undefined) {
    app.connectMicroservice<MicroserviceOptions>({
      transport: Transport.NATS,
      options: {
        servers: [settings.natsUrl],
        // One of the instances answers each message.
        queue: 'pricing',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        waitOnFirstConnect: true,
      },
    });
    // It waits for a server that is away, and would do so without a word. The URL may hold a password.
    new Logger('Pricing').log('connecting to the server of NATS_URL');
    await app.startAllMicroservices();
  }
  return app;
}

import { type INestApplication, Logger, type LogLevel, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { priceEvents } from './prices/prices.module.js';
import type { Settings } from './settings.js';
import { traceRequests } from './telemetry/trace-requests.js';

/** Builds the application without listening: `main.ts` serves it, the tests talk to it. */
export async function createApp(settings: Settings, logger?: LogLevel[] | false): Promise<INestApplication> {
  const module = AppModule.forRoot(settings);
  const options = { logger, abortOnError: false };
  const app: INestApplication =
    settings.adapter === 'fastify'
      ? await NestFactory.create(module, new FastifyAdapter(), options)
      : await NestFactory.create(module, options);
  app.use(traceRequests);
  // `whitelist` with `forbidNonWhitelisted`: a misspelt field is told, not dropped.
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  app.enableShutdownHooks();
  const description = new DocumentBuilder()
    .setTitle('Catalogue')
    .setDescription('The sample of Strata')
    .setVersion('1')
    .addBearerAuth()
    .build();
  const listener = priceEvents(settings);
  if (listener) {
    // Before the first request: what is cached from then on is cleared by events.
    app.connectMicroservice(listener, { inheritAppConfig: true });
    // It waits for a server that is away, and would do so without a word. The URL may hold a password.
    new Logger('Catalogue').log('connecting to the server of NATS_URL');
    await app.startAllMicroservices();
  }
  // Serves /docs-json; the page itself is ApiPageController.
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), { ui: false });
  return app;
}

import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { HttpCacheModuleOptions, Observer } from '@strata-cache/nestjs';
import { CacheTestingModule, FakeClock } from '@strata-cache/nestjs/testing';
import { send, type RawResponse, type SendOptions } from './raw-request.js';

export type HostName = 'Express' | 'Fastify';

/** Every test of HTTP caching runs on both. */
export const HOSTS: readonly HostName[] = ['Express', 'Fastify'];

export interface HttpAppOptions extends Pick<ModuleMetadata, 'imports' | 'providers'> {
  readonly controllers: Type[];
  /** Default: every handler takes part. */
  readonly http?: HttpCacheModuleOptions;
  readonly observer?: Observer;
  /** Before `init`: middleware, plugins, global interceptors, versioning. */
  readonly configure?: (app: INestApplication, host: HostName) => unknown;
}

/** A listening application on one of the platforms. */
export class HttpApp {
  readonly app: INestApplication;
  readonly clock: FakeClock;
  readonly port: number;

  constructor(app: INestApplication, clock: FakeClock, port: number) {
    this.app = app;
    this.clock = clock;
    this.port = port;
  }

  /** Sends exact bytes and gives back exact fields. */
  send(path: string, options: SendOptions = {}): Promise<RawResponse> {
    return send(this.port, path, options);
  }

  get<T>(type: Type<T>): T {
    return this.app.get(type, { strict: false });
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

export async function startApp(host: HostName, options: HttpAppOptions): Promise<HttpApp> {
  const { http = { global: true }, imports = [], providers = [], controllers } = options;
  const clock = new FakeClock(Math.floor(Date.now() / 1_000) * 1_000);
  const testing = await Test.createTestingModule({
    imports: [
      CacheTestingModule.forRoot({ clock, observer: options.observer, http: { salt: 'release', ...http } }),
      ...imports,
    ],
    providers,
    controllers,
  }).compile();
  const adapter = host === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = testing.createNestApplication<NestExpressApplication & NestFastifyApplication>(adapter as never, {
    logger: false,
  });
  try {
    await options.configure?.(app, host);
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  return new HttpApp(app, clock, (app.getHttpServer().address() as AddressInfo).port);
}

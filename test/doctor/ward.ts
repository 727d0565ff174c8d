import 'reflect-metadata';
import { Injectable, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheDoctor,
  CacheEvict,
  CacheModule,
  defineCache,
  Strata,
  type CacheDefinition,
  type Finding,
} from '@strata-cache/nestjs';
import { redis, type RedisTierOptions } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer, type RedisServerOptions } from '../support/redis-server.js';

export const patients = defineCache<[id: string], string>({
  name: 'patient',
  version: 2,
  owner: 'Ward',
  key: (id) => id,
  ttl: '5m',
  negativeTtl: '10s',
});

@Injectable()
export class Ward {
  @Cacheable(patients)
  async find(id: string): Promise<string> {
    return id;
  }
  @CacheEvict(patients)
  async discharge(id: string): Promise<string> {
    return id;
  }
}

/** A server as it should be; a fixture changes one thing. */
export const HEALTHY = { maxmemory: '64mb', 'maxmemory-policy': 'volatile-lru' } as const;

export interface CaseOptions {
  readonly server?: RedisServerOptions;
  readonly redis?: Partial<RedisTierOptions>;
  readonly module?: Parameters<typeof CacheModule.forRoot>[0];
  readonly caches?: readonly CacheDefinition<any, any>[];
  readonly providers?: readonly Type[];
  /** The tier cannot work here: do not wait for it. */
  readonly unattached?: boolean;
}

/** An application on a server of its own. */
export class Case {
  readonly app: TestingModule;
  readonly server: RedisServer;

  private constructor(app: TestingModule, server: RedisServer) {
    this.app = app;
    this.server = server;
  }

  static async open(options: CaseOptions = {}): Promise<Case> {
    const server = await new RedisServer({
      ...options.server,
      config: { ...HEALTHY, ...options.server?.config },
    }).start();
    const app = await Test.createTestingModule({
      imports: [
        CacheModule.forRoot({
          namespace: 'test:ward',
          l2: redis({ url: server.url, ...options.redis }),
          ...options.module,
        }),
        CacheModule.forFeature(options.caches ?? [patients]),
      ],
      providers: [...(options.providers ?? [Ward])],
    }).compile();
    app.useLogger(false);
    await app.init();
    const opened = new Case(app, server);
    const { strata } = opened;
    if (options.unattached !== true) {
      const ready = (): boolean => strata.stats().busLag > 0 && strata.stats().heartbeatAge < 2_000;
      await eventually(ready, { what: 'the first heartbeat' });
    }
    return opened;
  }

  get strata(): Strata {
    return this.app.get(Strata);
  }

  get doctor(): CacheDoctor {
    return this.app.get(CacheDoctor);
  }

  async findings(): Promise<readonly Finding[]> {
    return (await this.doctor.examine()).findings;
  }

  async rules(): Promise<readonly string[]> {
    return (await this.findings()).map(({ rule, about }) => `${rule}: ${about}`);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.server.stop();
  }
}

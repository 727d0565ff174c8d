import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { Module, type INestApplication, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, defineCache, Strata, type Cache } from '@strata-cache/nestjs';
import { CacheEvents, CacheEventsModule, type EventStats } from '@strata-cache/nestjs/microservices';
import { redis } from '@strata-cache/redis';
import { serveCalls } from '../support/child-side.js';
import { listenerOf, type FleetSettings, type TransportName } from './fleet-settings.js';

/** One instance of a service: a real process that the parent may kill. It holds entries in memory and hears events. */
interface Changed {
  readonly id: number;
  /** The mapper throws on this many attempts. */
  readonly trouble?: number;
}

export interface StartOptions {
  readonly settings: FleetSettings;
  readonly instance: string;
  /** Entries. */
  readonly count: number;
  /** A file for the ids of events that were handed to the engine: it outlives a kill -9. */
  readonly journal: string;
}

export interface Report {
  readonly stats: Readonly<EventStats>;
  /** Ids of the events that were applied here. */
  readonly applied: readonly string[];
  readonly failed: readonly string[];
  /** Loads so far: entries were really cached and read again. */
  readonly loads: number;
}

let app: INestApplication | undefined;
let cache: Cache<[id: number], number>;
let events: CacheEvents;
let versions: number[] = [];
let applied = new Set<string>();
let failed: string[] = [];
let attempts = new Map<number, number>();
let loads = 0;
let reading = false;
let connections = 0;

const settle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The source of truth is what the parent committed; a load takes its time, so that invalidations overtake it. */
async function load(_context: unknown, id: number): Promise<number> {
  loads++;
  const version = versions[id];
  await settle(Math.random() * 4);
  return version;
}

async function read(): Promise<void> {
  while (reading) {
    const ids = Array.from({ length: 25 }, () => Math.floor(Math.random() * versions.length));
    await Promise.all(ids.map((id) => cache.getOrSet(id, load)));
    await settle(2);
  }
}

/** Counts connections over which events really arrive; Nest announces them a little earlier. */
function watch(listener: INestMicroservice, transport: TransportName): void {
  const count = (): void => void connections++;
  if (transport === 'redis') {
    listener.on('ready', (which: string) => {
      const [, subscriber] = listener.unwrap<[unknown, { subscribe(name: string): Promise<unknown> }]>();
      if (which === 'sub') void subscriber.subscribe('value.changed').then(count);
    });
    return;
  }
  listener.status.subscribe((state) => {
    if (state !== 'connected') return;
    if (transport !== 'nats') count();
    else setImmediate(() => void listener.unwrap<{ flush(): Promise<void> }>().flush().then(count));
  });
}

const handlers = serveCalls({
  async start({ settings, instance, count, journal }: StartOptions) {
    versions = Array.from({ length: count }, () => 0);
    applied = new Set();
    failed = [];
    attempts = new Map();
    loads = 0;
    connections = 0;
    const valueCache = defineCache<[id: number], number>({
      name: 'value',
      version: 1,
      owner: 'Fleet',
      key: (id) => id,
      ttl: '1h',
      jitter: 0,
      invalidatedBy: {
        'value.changed': ({ id, trouble = 0 }: Changed) => {
          const before = attempts.get(id) ?? 0;
          attempts.set(id, before + 1);
          if (before < trouble) throw new Error(`attempt ${before + 1} fails`);
          appendFileSync(journal, `e${id}\n`);
          return { keys: [id] };
        },
      },
    });
    const { redisUrl } = settings;
    @Module({
      imports: [
        CacheModule.forRoot({
          namespace: settings.service,
          ...(redisUrl === undefined ? {} : { l2: redis({ url: redisUrl }), maxStaleness: 1_000, heartbeat: 250 }),
        }),
        CacheEventsModule.forRoot({
          caches: [valueCache],
          retry: { attempts: 3, delay: '20ms' },
          onApplied: ({ id }) => {
            applied.add(id);
          },
          onFailure: ({ envelope }) => {
            failed.push(envelope.id);
          },
        }),
      ],
    })
    class InstanceModule {}
    app = await NestFactory.create(InstanceModule, { logger: ['warn'] });
    const listener = app.connectMicroservice(listenerOf(settings, instance));
    watch(listener, settings.transport);
    await app.startAllMicroservices();
    await app.init();
    events = app.get(CacheEvents);
    cache = app.get(Strata).cache(valueCache);
    return process.pid;
  },

  /** Reads every key once and then goes on reading at random, as an application would. */
  async read() {
    await Promise.all(versions.map((_version, id) => cache.getOrSet(id, load)));
    if (!reading) {
      reading = true;
      void read();
    }
  },

  rest() {
    reading = false;
  },

  /** The parent has changed the source; from now on loads see it. */
  commit(changes: readonly (readonly [id: number, version: number])[]) {
    for (const [id, version] of changes) versions[id] = version;
  },

  held(): number {
    return versions.filter((_version, id) => cache.peek(id) !== undefined).length;
  },

  /** Keys of which memory, or else the second tier, holds an old version. */
  async stale(): Promise<readonly number[]> {
    const entries = await Promise.all(versions.map((_version, id) => cache.entry(id)));
    return versions.flatMap((version, id) => ((entries[id]?.value ?? version) < version ? [id] : []));
  },

  connections: () => connections,

  report: (): Report => ({ stats: events.stats(), applied: [...applied], failed, loads }),

  async stop() {
    reading = false;
    await app?.close();
    app = undefined;
  },
});

export type InstanceHandlers = typeof handlers;

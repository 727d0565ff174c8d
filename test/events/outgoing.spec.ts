import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { CacheModule, defineCache, Strata } from '@strata-cache/nestjs';
import {
  CacheEvents,
  CacheEventsModule,
  type CacheEventsOptions,
  type EventTrouble,
} from '@strata-cache/nestjs/microservices';
import { soon } from './soon.js';

/** A broker on command: up, down, or silent. */
class FakeClient extends ClientProxy {
  readonly taken: string[] = [];
  state: 'up' | 'down' | 'silent' = 'up';
  closed = 0;
  readonly #silent: (() => void)[] = [];

  connect(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed++;
  }

  unwrap(): never {
    throw new Error('nothing inside');
  }

  /** Answers what it kept silent about. */
  speak(): void {
    this.state = 'up';
    for (const answer of this.#silent.splice(0)) answer();
  }

  protected publish(): () => void {
    throw new Error('no requests here');
  }

  protected override dispatchEvent({ data }: { data: { id: string } }): Promise<any> {
    if (this.state === 'down') return Promise.reject('Error: Connection lost. Trying to reconnect...');
    if (this.state === 'silent') {
      return new Promise((resolve) => {
        this.#silent.push(() => {
          this.taken.push(data.id);
          resolve(undefined);
        });
      });
    }
    this.taken.push(data.id);
    return Promise.resolve();
  }
}

const CLIENT = Symbol('client');
let app: INestApplicationContext | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(client: FakeClient, options: CacheEventsOptions = {}): Promise<CacheEvents> {
  @Module({ providers: [{ provide: CLIENT, useValue: client }], exports: [CLIENT] })
  class ClientModule {}
  @Module({ imports: [ClientModule, CacheEventsModule.forRoot({ client: CLIENT, emitTimeout: '50ms', ...options })] })
  class AppModule {}
  app = await Test.createTestingModule({ imports: [AppModule] })
    .setLogger(false as never)
    .compile();
  await app.init();
  return app.get(CacheEvents);
}

const emit = (events: CacheEvents, ...ids: string[]): Promise<('accepted' | 'queued')[]> =>
  Promise.all(ids.map((id) => events.emit('changed', {}, { id })));

describe('emit', () => {
  it('is accepted by a broker that is there, and nothing waits', async () => {
    const client = new FakeClient();
    const events = await start(client);
    expect(await emit(events, 'a', 'b')).toEqual(['accepted', 'accepted']);
    expect(client.taken).toEqual(['a', 'b']);
    expect(events.stats()).toMatchObject({ emitted: 2, accepted: 2, queued: 0, waiting: 0 });
  });

  it('waits here while the broker is away, and arrives in order when it is back', async () => {
    const client = new FakeClient();
    const events = await start(client);
    client.state = 'down';
    expect(await emit(events, 'a')).toEqual(['queued']);
    expect(await emit(events, 'b', 'c')).toEqual(['queued', 'queued']);
    expect(events.stats()).toMatchObject({ queued: 3, waiting: 3 });
    client.state = 'up';
    // What comes now must not overtake what waits.
    expect(await emit(events, 'd')).toEqual(['queued']);
    await soon(() => events.stats().waiting === 0);
    expect(client.taken).toEqual(['a', 'b', 'c', 'd']);
    expect(await emit(events, 'e')).toEqual(['accepted']);
  });

  it('waits here when the broker says nothing; an answer that comes too late means a second copy, never none', async () => {
    const client = new FakeClient();
    const events = await start(client);
    client.state = 'silent';
    expect(await emit(events, 'a')).toEqual(['queued']);
    client.speak();
    await soon(() => events.stats().waiting === 0);
    expect(new Set(client.taken)).toEqual(new Set(['a']));
    expect(client.taken.length).toBeGreaterThanOrEqual(2);
  });

  it('loses the oldest beyond maxQueued, and says which', async () => {
    const lost: EventTrouble[] = [];
    const client = new FakeClient();
    client.state = 'down';
    const events = await start(client, { maxQueued: 3, onFailure: (trouble) => void lost.push(trouble) });
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(await emit(events, id)).toEqual(['queued']);
    await soon(() => lost.length === 2);
    expect(lost.map(({ reason, envelope }) => [reason, envelope.id])).toEqual([
      ['overflow', 'a'],
      ['overflow', 'b'],
    ]);
    expect(events.stats()).toMatchObject({ overflowed: 2, waiting: 3 });
    client.state = 'up';
    await soon(() => events.stats().waiting === 0);
    expect(client.taken).toEqual(['c', 'd', 'e']);
  });

  it('throws beyond maxQueued with overflow: reject, and keeps what waits', async () => {
    const client = new FakeClient();
    client.state = 'down';
    const events = await start(client, { maxQueued: 1, overflow: 'reject' });
    expect(await emit(events, 'a')).toEqual(['queued']);
    await expect(emit(events, 'b')).rejects.toMatchObject({
      code: 'ERR_CACHE_EVENT',
      message: expect.stringMatching(/maxQueued/),
    });
    client.state = 'up';
    await soon(() => events.stats().waiting === 0);
    expect(client.taken).toEqual(['a']);
  });

  it('throws with queue: false, also while others wait, and keeps nothing', async () => {
    const client = new FakeClient();
    client.state = 'down';
    const events = await start(client);
    await emit(events, 'a');
    await expect(events.emit('changed', {}, { id: 'b', queue: false })).rejects.toMatchObject({
      code: 'ERR_CACHE_EVENT',
    });
    expect(events.stats()).toMatchObject({ waiting: 1 });
    client.state = 'up';
    expect(await events.emit('changed', {}, { id: 'c', queue: false })).toBe('accepted');
    await soon(() => events.stats().waiting === 0);
    expect([...client.taken].sort()).toEqual(['a', 'c']);
  });

  it('tries once more at shutdown, and says what is left', async () => {
    const lost: string[] = [];
    const client = new FakeClient();
    client.state = 'down';
    const events = await start(client, { onFailure: ({ envelope }) => void lost.push(envelope.id) });
    await emit(events, 'a', 'b');
    await app!.close();
    expect(lost.sort()).toEqual(['a', 'b']);
    const second = new FakeClient();
    second.state = 'down';
    const more = await start(second);
    await emit(more, 'c');
    second.state = 'up';
    await app!.close();
    expect(second.taken).toEqual(['c']);
    // It was given, so it is not closed.
    expect(second.closed).toBe(0);
  });

  it('refuses what has no form on the wire, before anything is cleared or sent', async () => {
    const client = new FakeClient();
    const events = await start(client, { maxEventBytes: '1kb' });
    await expect(events.emit('bad name', {})).rejects.toMatchObject({ code: 'ERR_CACHE_CONFIG' });
    await expect(events.emit('changed', { n: 1n })).rejects.toMatchObject({ code: 'ERR_CACHE_CONFIG' });
    await expect(events.emit('changed', 'x'.repeat(2_000))).rejects.toMatchObject({ code: 'ERR_CACHE_CONFIG' });
    expect([client.taken, events.stats().emitted]).toEqual([[], 0]);
  });

  it('sends to every client, and is accepted when all have it', async () => {
    const clients = [new FakeClient(), new FakeClient()];
    const events = await start(clients[0], { client: clients });
    clients[1].state = 'down';
    expect(await emit(events, 'a')).toEqual(['queued']);
    clients[1].state = 'up';
    await soon(() => events.stats().waiting === 0);
    expect(clients.map(({ taken }) => taken)).toEqual([['a'], ['a']]);
  });

  it('clears here first, also while the broker is away', async () => {
    const definition = defineCache<[id: string], string>({
      name: 'item',
      version: 1,
      owner: 'Test',
      ttl: '1h',
      key: (id) => id,
      invalidatedBy: { changed: ({ id, at }: { id: string; at: string }) => ({ keys: [`${id} ${at.slice(0, 4)}`] }) },
    });
    const client = new FakeClient();
    client.state = 'down';
    @Module({
      imports: [
        CacheModule.forRoot({ namespace: 'outgoing' }),
        CacheEventsModule.forRootAsync({ caches: [definition], useFactory: () => ({ client }) }),
      ],
    })
    class AppModule {}
    app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const cache = app.get(Strata).cache(definition);
    await cache.set('42 1970', 'x');
    // The mapper sees what those of other services see: a date is text on the wire.
    expect(await app.get(CacheEvents).emit('changed', { id: '42', at: new Date(0) })).toBe('queued');
    expect(cache.peek('42 1970')).toBeUndefined();
  });
});

describe('CacheEventsModule refuses at boot', () => {
  const definition = defineCache<[], string>({ name: 'item', version: 1, owner: 'Test', ttl: '1h' });
  const boot = async (...imports: any[]): Promise<void> => {
    @Module({ imports })
    class AppModule {}
    const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await testing.close();
  };

  it('caches that no engine reaches, that are none, or two of one name', async () => {
    await expect(boot(CacheEventsModule.forRoot({ caches: [definition] }))).rejects.toThrow(
      /no cache engine reaches them/,
    );
    expect(() => CacheEventsModule.forRoot({ caches: [undefined as never] })).toThrow(/defineCache/);
    const other = defineCache<[], string>({ name: 'item', version: 1, owner: 'Other', ttl: '1h' });
    expect(() => CacheEventsModule.forRoot({ caches: [definition, other] })).toThrow(
      /two definitions are named "item"/,
    );
  });

  it('a client that is none, a token that nobody provides, and unknown options', async () => {
    await expect(boot(CacheEventsModule.forRoot({ client: 7 as never }))).rejects.toThrow(/client: expected/);
    await expect(boot(CacheEventsModule.forRoot({ client: 'NOBODY' }))).rejects.toThrow(/no provider NOBODY/);
    await expect(boot(CacheEventsModule.forRoot({ clients: [] } as never))).rejects.toThrow(/unknown option "clients"/);
    await expect(boot(CacheEventsModule.forRootAsync({ useFactory: () => ({ maxQueued: 0 }) }))).rejects.toThrow(
      /maxQueued/,
    );
  });
});

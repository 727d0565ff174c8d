import { afterEach, describe, expect, it } from '@jest/globals';
import { createStrata, defineCache, type Cache, type Notice, type Strata } from '@strata-cache/core';
import { ChaosTier, sharedMemory } from '@strata-cache/core/testing';
import { deadLetterStream } from '@strata-cache/nestjs/microservices';
import type { Delivery } from '../../libs/nestjs/src/microservices/delivery.js';
import { EventLog } from '../../libs/nestjs/src/microservices/event-log.js';
import {
  EventReceiver,
  type EventTrouble,
  type ReceiverOptions,
} from '../../libs/nestjs/src/microservices/event-receiver.js';
import { EventTally } from '../../libs/nestjs/src/microservices/event-stats.js';
import { soon } from './soon.js';

/** A message of a broker that keeps it until it is settled, or of one that forgot it already. */
class FakeDelivery implements Delivery {
  readonly settled: string[] = [];
  keptAlive = 0;

  constructor(readonly isHeld = true) {}

  accept(): void {
    this.settled.push('accept');
  }

  reject(): void {
    this.settled.push('reject');
  }

  giveBack(): void {
    this.settled.push('giveBack');
  }

  async keepAlive(): Promise<void> {
    this.keptAlive++;
  }
}

interface Stage {
  readonly strata: Strata;
  readonly tier: ChaosTier;
  readonly cache: Cache<[id: string], string>;
  readonly receiver: EventReceiver;
  readonly tally: EventTally;
  readonly notices: Notice[];
  /** The mapper throws this many times. */
  throwing: number;
}

let stage: Stage;
afterEach(async () => {
  stage.receiver.close();
  await stage.strata.close();
});

async function start(options: Partial<ReceiverOptions> = {}): Promise<Stage> {
  const notices: Notice[] = [];
  const tier = new ChaosTier(sharedMemory());
  const strata = createStrata({ l2: tier, observer: { notice: (notice) => void notices.push(notice) } });
  const tally = new EventTally(strata);
  const definition = defineCache<[id: string], string>({
    name: 'item',
    version: 1,
    owner: 'Test',
    ttl: '1h',
    key: (id) => id,
    invalidatedBy: {
      changed: ({ id }: { id: string }) => {
        if (stage.throwing-- > 0) throw new Error('not now');
        return { keys: [id] };
      },
    },
  });
  const limits = { caches: [definition], maxEventBytes: 1_000, attempts: 3, delay: 1, maxDelay: 4 };
  const rest = { plain: undefined, around: undefined, onApplied: undefined, onFailure: undefined };
  const receiver = new EventReceiver(strata, { ...limits, ...rest, ...options }, tally, new EventLog(strata));
  stage = { strata, tier, cache: strata.cache(definition), receiver, tally, notices, throwing: 0 };
  // The first proof of the bus drops what came before it.
  await soon(async () => (await stage.cache.getOrSet('1', () => 'old')) === stage.cache.peek('1'));
  return stage;
}

const names = (): string[] => stage.notices.map(({ name }) => name).filter((name) => name.startsWith('events.'));

describe('an event that arrives', () => {
  it('is applied, and accepted after that', async () => {
    const { cache, receiver, tally, tier } = await start();
    const delivery = new FakeDelivery();
    tier.hold('invalidateKeys');
    const done = receiver.receive('changed', { id: '1' }, delivery);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Memory is clear, but the second tier has not answered: the broker keeps the event.
    expect([cache.peek('1'), delivery.settled]).toEqual([undefined, []]);
    tier.release('invalidateKeys');
    await done;
    expect([delivery.settled, tally.counters.applied]).toEqual([['accept'], 1]);
    expect([...stage.strata.counts()].filter(({ name }) => name === 'events')).toEqual([
      { name: 'events', labels: ['in', 'received'], value: 1 },
      { name: 'events', labels: ['in', 'applied'], value: 1 },
    ]);
  });

  it('is tried again when its mapper throws, and then applied', async () => {
    const { cache, receiver, tally } = await start();
    stage.throwing = 2;
    const delivery = new FakeDelivery();
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([cache.peek('1'), delivery.settled]).toEqual([undefined, ['accept']]);
    expect(tally.counters).toMatchObject({ retried: 2, applied: 1, failed: 0 });
    expect(delivery.keptAlive).toBe(2);
  });

  it('goes to onFailure and to the dead letters after the last attempt', async () => {
    const troubles: EventTrouble[] = [];
    const order: string[] = [];
    const onFailure = async (trouble: EventTrouble): Promise<void> => {
      await Promise.resolve();
      troubles.push(trouble);
      order.push('told');
    };
    const { receiver, tally } = await start({ onFailure });
    stage.throwing = 99;
    const delivery = new FakeDelivery();
    delivery.reject = () => void order.push('rejected');
    await receiver.receive('changed', { id: '1' }, delivery);
    expect(order).toEqual(['told', 'rejected']);
    expect(troubles).toMatchObject([
      { reason: 'failed', envelope: { payload: { id: '1' } }, error: { message: 'not now' } },
    ]);
    expect(tally.counters).toMatchObject({ retried: 2, applied: 0, failed: 1 });
    expect(names()).toEqual(['events.failed']);
  });

  it('is rejected although onFailure fails', async () => {
    const { receiver } = await start({ onFailure: () => Promise.reject(new Error('full')) });
    stage.throwing = 99;
    const delivery = new FakeDelivery();
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([delivery.settled, names()]).toEqual([['reject'], ['events.failed', 'events.failure']]);
  });

  it('is held while the second tier does not acknowledge, and accepted when it does', async () => {
    const { receiver, tier, tally } = await start();
    tier.down();
    const delivery = new FakeDelivery();
    const done = receiver.receive('changed', { id: '1' }, delivery);
    await soon(() => tally.counters.retried >= 5);
    expect([delivery.settled, tally.counters.applied]).toEqual([[], 0]);
    tier.up();
    await done;
    expect([delivery.settled, tally.counters.failed]).toEqual([['accept'], 0]);
  });

  it('is given back when the application closes meanwhile', async () => {
    const { receiver, tier, tally } = await start();
    tier.down();
    const delivery = new FakeDelivery();
    const done = receiver.receive('changed', { id: '1' }, delivery);
    await soon(() => tally.counters.retried >= 1);
    receiver.close();
    await done;
    expect([delivery.settled, tally.counters.returned]).toEqual([['giveBack'], 1]);
    tier.up();
  });

  it('is left to the engine where the broker has forgotten it', async () => {
    const { cache, receiver, tier, tally, strata } = await start();
    tier.down();
    const delivery = new FakeDelivery(false);
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([cache.peek('1'), tally.counters.unacknowledged, strata.stats().unsent]).toEqual([undefined, 1, 1]);
    tier.up();
  });

  it('is accepted and dropped when nobody can read it, with one line in the log', async () => {
    const { receiver, tally } = await start();
    for (let index = 0; index < 5; index++) {
      const delivery = new FakeDelivery();
      await receiver.receive('changed', { id: 'x'.repeat(2_000) }, delivery);
      expect(delivery.settled).toEqual(['accept']);
    }
    expect([tally.counters.oversized, tally.counters.applied, names()]).toEqual([5, 0, ['events.oversized']]);
    await receiver.receive('changed', { id: { nested: true } }, new FakeDelivery());
    expect([tally.counters.malformed, names()]).toEqual([1, ['events.oversized', 'events.malformed']]);
  });

  it('is passed over where plain or around say so', async () => {
    const { receiver, tally, cache } = await start({ plain: () => undefined });
    const delivery = new FakeDelivery();
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([delivery.settled, cache.peek('1'), tally.counters.applied]).toEqual([['accept'], 'old', 0]);
  });

  it('runs inside around, whose error counts as one of a mapper', async () => {
    const seen: unknown[] = [];
    let refuse = true;
    const { receiver, tally, cache } = await start({
      around: async (event, run) => {
        seen.push(event.payload);
        if (refuse) throw new Error('no tenant');
        await run();
      },
    });
    refuse = false;
    await receiver.receive('changed', { id: '1' }, new FakeDelivery());
    expect([seen, cache.peek('1')]).toEqual([[{ id: '1' }], undefined]);
    refuse = true;
    const delivery = new FakeDelivery();
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([delivery.settled, tally.counters.failed]).toEqual([['reject'], 1]);
  });

  it('is accepted although onApplied fails', async () => {
    const onApplied = (): never => {
      throw new Error('mine');
    };
    const { receiver } = await start({ onApplied });
    const delivery = new FakeDelivery();
    await receiver.receive('changed', { id: '1' }, delivery);
    expect([delivery.settled, names()]).toEqual([['accept'], ['events.callback']]);
  });

  it('twice is applied twice, whatever its id: memory may have been filled in between', async () => {
    const { receiver, cache, tally } = await start();
    const envelope = { v: 1, id: 'same', type: 'changed', payload: { id: '1' }, occurredAt: '', source: '' };
    for (const _ of [1, 2]) {
      await cache.getOrSet('1', () => 'filled again');
      expect(cache.peek('1')).toBeDefined();
      await receiver.receive('changed', envelope, new FakeDelivery());
      expect(cache.peek('1')).toBeUndefined();
    }
    expect(tally.counters.applied).toBe(2);
  });
});

describe('deadLetterStream', () => {
  it('writes the event to a stream of bounded length', async () => {
    const calls: unknown[][] = [];
    const client = { xadd: async (...words: unknown[]) => void calls.push(words) };
    const { receiver } = await start({ onFailure: deadLetterStream(client, 'dead', { maxLength: 5 }) });
    stage.throwing = 99;
    await receiver.receive('changed', { id: '1' }, new FakeDelivery());
    const [[key, maxlen, about, length, id, ...fields]] = calls;
    expect([key, maxlen, about, length, id]).toEqual(['dead', 'MAXLEN', '~', 5, '*']);
    expect(fields.slice(0, 4)).toEqual(['reason', 'failed', 'error', 'Error: not now']);
    expect(JSON.parse(String(fields[5]))).toMatchObject({ type: 'changed', payload: { id: '1' } });
  });
});

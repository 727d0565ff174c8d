import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventError } from '@strata-cache/core';
import type {
  DeadEvent,
  OutboxBacklog,
  OutboxPublisher,
  OutboxRelay,
  OutboxRelayOptions,
} from '@strata-cache/nestjs/microservices';
import { eventually } from '../support/eventually.js';
import { stopAll } from '../support/process-keeper.js';
import { executorOf } from './executors.js';
import { OutboxStage } from './outbox-stage.js';
import { stopDatabases } from './sql-backends.js';

afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe.each(['sqlite', 'postgres'] as const)('events that cannot be published, on %s', (kind) => {
  let stage: OutboxStage;
  beforeEach(async () => {
    stage = await OutboxStage.start(kind);
  });
  afterEach(async () => stage.close());

  const backlog = (): Promise<OutboxBacklog> => stage.backlog();
  const enqueue = (count: number, from?: number): Promise<void> => stage.enqueue(count, from);
  const relay = ({ emit }: OutboxPublisher, options?: Partial<OutboxRelayOptions>): OutboxRelay =>
    stage.relay(emit, options);

  it('asks again after a failure, with growing pauses, and gives up after maxAttempts without losing it', async () => {
    const died: DeadEvent[] = [];
    let attempts = 0;
    let broken = true;
    const one = relay(
      {
        emit: async (_type, payload: { index: number }) => {
          if (payload.index !== 1) return;
          attempts++;
          if (broken) throw new TypeError('cannot be published');
        },
      },
      {
        maxAttempts: 4,
        onDead: (event) => {
          died.push(event);
          throw new Error('nobody listens');
        },
      },
    );
    await enqueue(3);
    one.start();
    await eventually(() => died.length === 1);
    expect(died).toMatchObject([
      { id: 'e1', attempts: 4, payload: { index: 1 }, error: 'TypeError: cannot be published' },
    ]);
    expect(await backlog()).toMatchObject({ waiting: 0, dead: 1 });
    expect(await stage.outbox.dead(executorOf(stage.database))).toEqual(died);
    const { looks } = one.stats();
    await eventually(() => one.stats().looks > looks + 3);
    expect([attempts, one.stats()]).toEqual([
      4,
      expect.objectContaining({ delivered: 2, failed: 4, dead: 1, outages: 0 }),
    ]);

    broken = false;
    await stage.outbox.revive(executorOf(stage.database));
    await eventually(async () => (await backlog()).dead === 0 && (await backlog()).waiting === 0);
    expect(attempts).toBe(5);
  });

  it.each([
    ['throws an EventError', async (): Promise<'queued'> => Promise.reject(new EventError('away'))],
    ['only queues', async (): Promise<'queued'> => 'queued'],
    ['does not answer', async (): Promise<'queued'> => new Promise(() => undefined)],
  ])('keeps everything while the broker %s, and counts no attempt', async (_name, away) => {
    let asked = 0;
    let back = false;
    const one = relay(
      {
        emit: async () => {
          asked++;
          return back ? 'accepted' : away();
        },
      },
      { maxAttempts: 2, publishTimeout: '10ms' as const },
    );
    await enqueue(5);
    one.start();
    await eventually(() => asked > 20);
    expect(await backlog()).toMatchObject({ waiting: 5, dead: 0 });
    back = true;
    await eventually(async () => (await backlog()).waiting === 0);
    expect(one.stats()).toMatchObject({ delivered: 5, failed: 0, dead: 0, outages: 1 });
  });

  it('holds up nothing for an event that is never answered, and gives that one up', async () => {
    const one = relay(
      {
        emit: async (_type, payload: { index: number }) =>
          payload.index === 1 ? new Promise<void>(() => undefined) : undefined,
      },
      { maxAttempts: 3, publishTimeout: 100 },
    );
    await enqueue(3);
    one.start();
    for (let more = 10; (await backlog()).dead === 0; more++) {
      await enqueue(1, more);
      await eventually(async () => (await backlog()).waiting <= 1, { what: 'the others' });
    }
    expect(await stage.outbox.dead(executorOf(stage.database))).toMatchObject([{ id: 'e1', attempts: 3 }]);
  });
});

import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EventName, EventPayload } from '@strata-cache/core';
import { sealEvent, type EnvelopeOptions } from './envelope.js';
import { EventRoom } from './event-room.js';
import type { EventStats } from './event-stats.js';

/** What `emit` may be told. */
export interface EmitOptions extends EnvelopeOptions {
  /** Of the Kafka message: events of one key stay in order there. Other transports ignore it. */
  readonly key?: string | undefined;
  /** False: an event that the broker does not take does not wait here, but makes `emit` throw. For callers that keep it themselves, such as an outbox. Default true. */
  readonly queue?: boolean | undefined;
}

/** Emits events: once, and every instance of every service that names them in `invalidatedBy` forgets. */
@Injectable()
export class CacheEvents implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #room: EventRoom;

  constructor(@Inject(EventRoom) room: EventRoom) {
    this.#room = room;
  }

  /**
   * Applies an event in this process, then hands it to the broker. `'accepted'`: the broker has it (without one: it has been applied);
   * `'queued'`: some of it waits in this process, which would lose it when it dies.
   * @throws CacheConfigError for a name that is none or a payload that has no JSON form or is too large; EventError where `queue: false`
   * or `overflow: 'reject'` ask for it. The event has been applied in this process by then.
   */
  async emit<Name extends EventName>(
    name: Name,
    payload: EventPayload<Name>,
    options: EmitOptions = {},
  ): Promise<'accepted' | 'queued'> {
    const { receiver, outgoing, stats, source, limits } = this.#room;
    const { key, queue = true, headers = limits.headers?.(), ...more } = options;
    const { envelope } = sealEvent(name, payload, source, limits.maxEventBytes, { ...more, headers });
    stats.add('emitted');
    const applied = await receiver.applyHere(envelope, outgoing.length === 0);
    const taken = await Promise.all(outgoing.map((one) => one.send({ envelope, key }, queue)));
    return applied && taken.every((answer) => answer === 'accepted') ? 'accepted' : 'queued';
  }

  /** A snapshot of the counters. */
  stats(): Readonly<EventStats> & { readonly waiting: number } {
    const waiting = this.#room.outgoing.reduce((sum, one) => sum + one.waiting, 0);
    return { ...this.#room.stats.counters, waiting };
  }

  onApplicationBootstrap(): void {
    this.#room.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#room.close();
  }
}

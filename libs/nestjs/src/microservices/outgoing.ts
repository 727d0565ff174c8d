import type { ClientProxy } from '@nestjs/microservices';
import { type Background, EventError, systemClock } from '@strata-cache/core';
import type { EventLog } from './event-log.js';
import { eventMessages } from './event-messages.js';
import type { EventTally } from './event-stats.js';
import { pause, type Pause } from './pause.js';
import { resumeDelay, sendEvent, type DepartingEvent } from './send-event.js';

/** Events sent at once when the broker is back. */
const BATCH = 64;
const FIRST_DELAY = 100;
const LONGEST_DELAY = 5_000;

export interface OutgoingLimits {
  /** Events that may wait while the broker is away. */
  readonly maxQueued: number;
  readonly overflow: 'drop-oldest' | 'reject';
  /** ms until a broker that neither takes nor refuses an event counts as away. */
  readonly emitTimeout: number;
}

/**
 * The way to one broker. While it is away events wait here, at most `maxQueued`; they are sent in their order once it is back, some
 * perhaps twice: one whose answer was lost has been sent and is sent again.
 */
export class Outgoing {
  readonly #client: ClientProxy;
  readonly #limits: OutgoingLimits;
  readonly #background: Background;
  readonly #stats: EventTally;
  readonly #log: EventLog;
  readonly #onLost: (event: DepartingEvent, error: EventError) => void;
  #waiting: DepartingEvent[] = [];
  #draining = false;
  #closed = false;
  #pause: Pause | undefined;

  constructor(
    client: ClientProxy,
    limits: OutgoingLimits,
    background: Background,
    stats: EventTally,
    log: EventLog,
    onLost: (event: DepartingEvent, error: EventError) => void,
  ) {
    this.#client = client;
    this.#limits = limits;
    this.#background = background;
    this.#stats = stats;
    this.#log = log;
    this.#onLost = onLost;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Opens the connection ahead of the first event; a broker that is away is nothing to worry about. */
  connect(): void {
    this.#background.run('events.connect', () => this.#client.connect());
  }

  /**
   * `'accepted'`: the broker has it; `'queued'`: it waits here.
   * @throws EventError with `queue: false` when the broker did not take it, and with `overflow: 'reject'` when there is no room
   */
  async send(event: DepartingEvent, queue: boolean): Promise<'accepted' | 'queued'> {
    if (this.#waiting.length > 0 && queue) return this.#enqueue(event);
    try {
      await this.#attempt(event);
      return 'accepted';
    } catch (error) {
      if (!queue) throw new EventError(eventMessages.notSent(event.envelope.type, error), error);
      this.#log.warn('queueing', eventMessages.queueing(this.#waiting.length + 1, error));
      return this.#enqueue(event);
    }
  }

  #enqueue(event: DepartingEvent): 'queued' {
    const { maxQueued, overflow } = this.#limits;
    const { type } = event.envelope;
    if (this.#waiting.length >= maxQueued) {
      if (overflow === 'reject') throw new EventError(eventMessages.queueFull(type, maxQueued));
      const oldest = this.#waiting.shift();
      if (oldest !== undefined) this.#lose(oldest, eventMessages.overflowed(oldest.envelope.type, maxQueued));
    }
    this.#waiting.push(event);
    this.#stats.add('queued');
    if (!this.#draining && !this.#closed) {
      this.#draining = true;
      this.#background.run('events.drain', () => this.#drain());
    }
    return 'queued';
  }

  #lose(event: DepartingEvent, message: string): void {
    this.#stats.add('overflowed');
    this.#log.warn('overflow', message);
    this.#onLost(event, new EventError(message));
  }

  /** Sends what waits, oldest first, until nothing does: in batches, with growing pauses while the broker refuses. */
  async #drain(): Promise<void> {
    let delay = FIRST_DELAY;
    let refused = true;
    while (this.#waiting.length > 0 && !this.#closed) {
      if (!refused) {
        refused = (await this.#sendFirst(BATCH)) > 0;
        continue;
      }
      await this.#wait(delay);
      if (this.#closed) break;
      // One knocks; the others follow when consumers have had a moment to come back as well.
      refused = (await this.#sendFirst(1)) > 0;
      delay = refused ? Math.min(delay * 2, LONGEST_DELAY) : FIRST_DELAY;
      if (!refused) await this.#wait(resumeDelay(this.#client));
    }
    this.#draining = false;
  }

  async #wait(ms: number): Promise<void> {
    this.#pause = pause(ms);
    if (this.#closed) this.#pause.end();
    await this.#pause.over;
    this.#pause = undefined;
  }

  /** Tries the first `count`; those that were taken leave, the others keep their place. How many were refused. */
  async #sendFirst(count: number): Promise<number> {
    const batch = this.#waiting.slice(0, count);
    const results = await Promise.allSettled(batch.map((event) => this.#attempt(event)));
    const sent = new Set(batch.filter((_, index) => results[index].status === 'fulfilled'));
    // By identity: an overflow may have shifted the list meanwhile.
    this.#waiting = this.#waiting.filter((event) => !sent.has(event));
    return batch.length - sent.size;
  }

  async #attempt(event: DepartingEvent): Promise<void> {
    const { emitTimeout } = this.#limits;
    let timer: object | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = systemClock.setTimeout(() => reject(new Error(`no answer within ${emitTimeout} ms`)), emitTimeout);
    });
    try {
      await Promise.race([sendEvent(this.#client, event), late]);
    } finally {
      if (timer !== undefined) systemClock.clearTimeout(timer);
    }
    this.#stats.add('accepted');
  }

  /** One last try for what waits. What is then left is lost, and said. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.end();
    if (this.#waiting.length === 0) return;
    await this.#sendFirst(this.#waiting.length);
    if (this.#waiting.length > 0) {
      const left = this.#waiting.splice(0);
      this.#log.warn('shutdown', eventMessages.leftAtShutdown(left.length));
      for (const event of left) {
        this.#stats.add('overflowed');
        this.#onLost(event, new EventError(eventMessages.leftAtShutdown(1)));
      }
    }
  }
}

import { applyEvent, type CacheDefinition, type EventOutcome, type Strata } from '@strata-cache/core';
import type { Delivery } from './delivery.js';
import { openEvent, UnreadableEvent, type EventEnvelope, type PlainMapper } from './envelope.js';
import type { EventLog } from './event-log.js';
import { eventMessages } from './event-messages.js';
import type { EventTally } from './event-stats.js';
import { pause, type Pause } from './pause.js';

/** Why an event ended without its full effect. */
export interface EventTrouble {
  /** `'failed'`: a mapper threw on every attempt; `'overflow'`: lost here while the broker was away. */
  readonly reason: 'failed' | 'overflow';
  readonly envelope: EventEnvelope;
  readonly error: unknown;
}

/** Told of events that end without their full effect. May return a promise; a broker is told after it has settled. */
export type OnFailure = (trouble: EventTrouble) => void | Promise<void>;

export interface ReceiverOptions {
  readonly caches: readonly CacheDefinition<any, any>[];
  readonly maxEventBytes: number;
  readonly plain: PlainMapper | undefined;
  readonly around: ((event: EventEnvelope, run: () => Promise<void>) => Promise<void>) | undefined;
  readonly onApplied: ((event: EventEnvelope) => void) | undefined;
  readonly onFailure: OnFailure | undefined;
  readonly attempts: number;
  /** ms before the second attempt; doubles with each further one. */
  readonly delay: number;
  readonly maxDelay: number;
}

/** Events that may be between two attempts at once; one more is given up at its first failure, so that bad ones cannot pile up here. */
const MAX_RETRYING = 1_000;
/** ms an event is held while the second tier is away, before the broker gets it back. Below the 30 min after which RabbitMQ closes the channel. */
const MAX_HOLD = 5 * 60_000;

/**
 * Applies events, however they arrived. An invalidation is applied each time its event arrives, in any order: it commutes and may be
 * repeated. No list of ids already seen could do anything here but suppress a needed invalidation, so there is none.
 */
export class EventReceiver {
  readonly #strata: Strata | undefined;
  readonly #options: ReceiverOptions;
  readonly #stats: EventTally;
  readonly #log: EventLog;
  readonly #pauses = new Set<Pause>();
  #closed = false;

  constructor(strata: Strata | undefined, options: ReceiverOptions, stats: EventTally, log: EventLog) {
    this.#strata = strata;
    this.#options = options;
    this.#stats = stats;
    this.#log = log;
  }

  /** Ends waits between attempts: held events go back to their broker. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#pauses) waiting.end();
  }

  /** Applies what arrived over a transport and settles it there. Rejects only where that is how the broker is told to deliver again. */
  async receive(name: string, data: unknown, delivery: Delivery): Promise<void> {
    this.#stats.add('received');
    let envelope: EventEnvelope | undefined;
    try {
      envelope = openEvent(name, data, this.#options.maxEventBytes, this.#options.plain);
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      // Accepted, not rejected: nobody will ever be able to read it, and it must not come back.
      this.#stats.add(error.reason);
      this.#log.warn(error.reason, error.message);
      delivery.accept();
      return;
    }
    if (envelope === undefined) return delivery.accept();
    await this.#settle(envelope, delivery);
  }

  /**
   * Applies an event of this process at once, so that whoever emitted it reads what they wrote. Resolves with whether that was acknowledged.
   * @param isLast nobody else will try again: what fails is told to `onFailure`
   */
  async applyHere(envelope: EventEnvelope, isLast: boolean): Promise<boolean> {
    const outcome = await this.#apply(envelope);
    const thrown = outcome.failures.find(({ permanent }) => !permanent);
    if (thrown !== undefined && isLast) await this.#giveUp(envelope, 1, thrown.error);
    if (outcome.failures.length === 0 && outcome.acknowledged) this.#done(envelope);
    if (!outcome.acknowledged) this.#stats.add('unacknowledged');
    return outcome.acknowledged;
  }

  async #settle(envelope: EventEnvelope, delivery: Delivery): Promise<void> {
    const { attempts, delay, maxDelay } = this.#options;
    const since = performance.now();
    let failed = 0;
    for (let attempt = 1; ; attempt++) {
      const { failures, acknowledged } = await this.#apply(envelope, attempt > 1);
      const thrown = failures.find(({ permanent }) => !permanent);
      if (thrown === undefined && acknowledged) {
        if (failures.length === 0) this.#done(envelope);
        return delivery.accept();
      }
      if (thrown !== undefined) {
        failed++;
        if (failed >= attempts || this.#pauses.size >= MAX_RETRYING) {
          await this.#giveUp(envelope, failed, thrown.error);
          return delivery.reject();
        }
      } else if (!delivery.isHeld || performance.now() - since > MAX_HOLD) {
        return this.#unacknowledged(envelope, delivery);
      }
      if (this.#closed) return this.#return(delivery);
      this.#stats.add('retried');
      await this.#wait(Math.min(delay * 2 ** (attempt - 1), maxDelay));
      if (this.#closed) return this.#return(delivery);
      await delivery.keepAlive();
    }
  }

  /** The engine has it in its own queue. A broker that keeps events gets it back all the same: this process may die before that is sent. */
  #unacknowledged(envelope: EventEnvelope, delivery: Delivery): void {
    this.#stats.add('unacknowledged');
    this.#log.warn('unacknowledged', eventMessages.unacknowledged(envelope.type));
    this.#return(delivery);
  }

  #return(delivery: Delivery): void {
    if (delivery.isHeld) this.#stats.add('returned');
    delivery.giveBack();
  }

  async #wait(ms: number): Promise<void> {
    const waiting = pause(ms * (0.75 + Math.random() / 2));
    this.#pauses.add(waiting);
    await waiting.over;
    this.#pauses.delete(waiting);
  }

  async #apply(envelope: EventEnvelope, again = false): Promise<EventOutcome> {
    const strata = this.#strata;
    if (strata === undefined) return NOTHING_TO_DO;
    const { around, caches } = this.#options;
    let outcome: EventOutcome | undefined;
    const run = async (): Promise<void> => {
      outcome = await applyEvent(strata, caches, envelope.type, envelope.payload);
    };
    try {
      await (around === undefined ? run() : around(envelope, run));
    } catch (error) {
      outcome = { caches: 0, acknowledged: true, failures: [{ cache: '', error, permanent: false }] };
    }
    // `around` that does not run it has decided that the event concerns nobody.
    outcome ??= NOTHING_TO_DO;
    if (!again) this.#tellUnreadable(envelope, outcome);
    return outcome;
  }

  #tellUnreadable({ type }: EventEnvelope, { failures }: EventOutcome): void {
    const unreadable = failures.filter(({ permanent }) => permanent);
    if (unreadable.length === 0) return;
    this.#stats.add('malformed');
    this.#log.warn('malformed', eventMessages.unreadable(type, unreadable[0].cache, unreadable[0].error));
  }

  #done(envelope: EventEnvelope): void {
    this.#stats.add('applied');
    try {
      this.#options.onApplied?.(envelope);
    } catch (error) {
      this.#log.warn('callback', eventMessages.appliedFailed(envelope.type, error));
    }
  }

  async #giveUp(envelope: EventEnvelope, attempts: number, error: unknown): Promise<void> {
    this.#stats.add('failed');
    this.#log.warn('failed', eventMessages.failed(envelope.type, attempts, error));
    await this.tell({ reason: 'failed', envelope, error });
  }

  /** Tells `onFailure`; never rejects. */
  async tell(trouble: EventTrouble): Promise<void> {
    try {
      await this.#options.onFailure?.(trouble);
    } catch (error) {
      this.#log.warn('failure', eventMessages.failureFailed(trouble.envelope.type, error));
    }
  }
}

const NOTHING_TO_DO: EventOutcome = { caches: 0, acknowledged: true, failures: [] };

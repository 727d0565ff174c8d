import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Background, EventError, systemClock } from '@strata-cache/core';
import { readEvent, type DeadEvent, type OutboxEvent } from './outbox.js';
import { outboxMessages } from './outbox-messages.js';
import { resolveRelayOptions, type OutboxRelayOptions, type ResolvedRelayOptions } from './outbox-options.js';
import { RELAY_SESSION, type SqlExecutor } from './outbox-sql.js';
import { pause, type Pause } from './pause.js';

/** What became of one event. */
interface Published {
  readonly event: OutboxEvent;
  /** `'away'`: nobody took it, and that is not its fault. */
  readonly outcome: 'accepted' | 'away' | 'failed';
  readonly error?: unknown;
}

/** What one look at the table came to. */
interface Look {
  readonly found: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dead: readonly DeadEvent[];
  /** The broker, or the database, is not there. */
  readonly away: boolean;
}

/** Counters of one relay. */
export interface OutboxRelayStats {
  readonly looks: number;
  /** Events that were published and removed. One that is published twice counts twice. */
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  readonly outages: number;
}

const NOTHING: Look = { found: 0, delivered: 0, failed: 0, dead: [], away: false };

/**
 * Publishes what waits in an {@link Outbox}, at least once: an event is removed only after the broker has taken it. On PostgreSQL any number
 * of relays share a table, each with rows of its own (`FOR UPDATE SKIP LOCKED`); on SQLite one is enough, and a second one publishes twice.
 * As a Nest provider it begins with the application and, at its end, publishes what still waits.
 */
export class OutboxRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #options: ResolvedRelayOptions;
  readonly #logger = new Logger('OutboxRelay');
  readonly #background = new Background({ notice: ({ message }) => this.#logger.warn(message) });
  readonly #stats = { looks: 0, delivered: 0, failed: 0, dead: 0, outages: 0 };
  #pause: Pause | undefined;
  #woken = false;
  #state: 'new' | 'running' | 'stopped' = 'new';
  /** Looks that found nobody there, in a row. */
  #away = 0;

  /** @throws CacheConfigError naming an option that is missing, unknown or wrong */
  constructor(options: OutboxRelayOptions) {
    this.#options = resolveRelayOptions(options);
  }

  /** Begins to look, at once and then every `pollInterval`. Nest calls it by itself. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#background.run('outbox.relay', () => this.#run());
  }

  /** Looks now instead of at the next interval: call it after a commit, and events leave without waiting. While the broker is away it changes nothing. */
  wake(): void {
    // 1 a look finds nothing, 2 somebody commits and wakes, 3 the relay goes to sleep: the mark makes it look again.
    this.#woken = true;
    if (this.#away === 0) this.#pause?.end();
  }

  /** Ends the looking and publishes what still waits, for at most `drainTimeout`. What is left then stays in the table. */
  async stop(): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#pause?.end();
    const { drainTimeout } = this.#options;
    const until = performance.now() + drainTimeout;
    await this.#background.drain(systemClock, drainTimeout);
    let look: Look = { ...NOTHING, found: 1 };
    while (wasRunning && look.found > 0 && !look.away && performance.now() < until) {
      look = await this.#look();
    }
  }

  stats(): OutboxRelayStats {
    return { ...this.#stats };
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  /** The last hook there is: requests in flight have been answered, and what they committed is in the table. */
  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    while (this.#state === 'running') {
      this.#woken = false;
      const look = await this.#look();
      this.#away = look.away ? this.#away + 1 : 0;
      // A full batch: there is more.
      if (!look.away && (look.found === this.#options.batch || this.#woken)) continue;
      if (this.#state === 'running') await this.#sleep();
    }
  }

  async #sleep(): Promise<void> {
    const { pollInterval, maxPause } = this.#options;
    const longest = Math.max(pollInterval, maxPause);
    this.#pause = pause(Math.min(pollInterval * 2 ** Math.max(0, this.#away - 1), longest));
    await this.#pause.over;
    this.#pause = undefined;
  }

  async #look(): Promise<Look> {
    this.#stats.looks++;
    try {
      const look = this.#options.outbox.statements.locksRows ? await this.#lookLocking() : await this.#lookAlone();
      this.#count(look);
      return look;
    } catch (error) {
      if (this.#away === 0) this.#logger.warn(outboxMessages.pollFailed(error));
      return { ...NOTHING, away: true };
    }
  }

  /** After the commit: what was rolled back has not happened. */
  #count({ delivered, failed, dead, away }: Look): void {
    this.#stats.delivered += delivered;
    this.#stats.failed += failed;
    this.#stats.dead += dead.length;
    if (away && this.#away === 0) this.#stats.outages++;
    for (const event of dead) {
      this.#logger.warn(outboxMessages.dead(event));
      try {
        this.#options.onDead?.(event);
      } catch (error) {
        this.#logger.warn(outboxMessages.onDeadFailed(error));
      }
    }
  }

  /** The rows stay locked until the end: who dies before it gives them back at once, and nobody else has them meanwhile. */
  async #lookLocking(): Promise<Look> {
    return this.#options.connection((execute) =>
      this.#inTransaction(execute, async () => {
        await execute(RELAY_SESSION, []);
        return this.#settle(execute, await this.#publish(await this.#due(execute)));
      }),
    );
  }

  /**
   * SQLite locks the whole file: held while a broker is asked, it would stop every writer for as long as that takes. So nothing is
   * locked while publishing, and the connection is free; two relays publish the same events, which is allowed.
   */
  async #lookAlone(): Promise<Look> {
    const { connection } = this.#options;
    const due = await connection((execute) => this.#due(execute));
    if (due.length === 0) return NOTHING;
    const published = await this.#publish(due);
    return connection((execute) => this.#inTransaction(execute, () => this.#settle(execute, published)));
  }

  async #inTransaction<Result>(execute: SqlExecutor, work: () => Promise<Result>): Promise<Result> {
    const { begin, commit, rollback } = this.#options.outbox.statements;
    await execute(begin, []);
    try {
      const result = await work();
      await execute(commit, []);
      return result;
    } catch (error) {
      // The first error says what is wrong; a connection that broke cannot be rolled back either.
      await execute(rollback, []).catch(() => undefined);
      throw error;
    }
  }

  async #due(execute: SqlExecutor): Promise<readonly OutboxEvent[]> {
    const { outbox, batch } = this.#options;
    const { rows } = await execute(outbox.statements.due, [batch]);
    return rows.map(readEvent);
  }

  /** All at once: what they clear commutes, and a broker that is away costs one timeout instead of one for each. */
  async #publish(events: readonly OutboxEvent[]): Promise<readonly Published[]> {
    return Promise.all(events.map((event) => this.#publishOne(event)));
  }

  async #publishOne(event: OutboxEvent): Promise<Published> {
    const { events, publishTimeout } = this.#options;
    const { type, payload, id, occurredAt, version, key, headers } = event;
    // Nobody's context here: what the writer's was travels in the row.
    const along = { id, occurredAt, version, key, ...(headers !== undefined && { headers }) };
    let timer: object | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new EventError(outboxMessages.late(publishTimeout));
      timer = systemClock.setTimeout(() => reject(error), publishTimeout);
    });
    try {
      const emitted = (async () => events.emit(type, payload, { ...along, queue: false }))();
      const answer = await Promise.race([emitted, late]);
      return { event, outcome: answer === 'queued' ? 'away' : 'accepted', error: answer };
    } catch (error) {
      return { event, outcome: error instanceof EventError ? 'away' : 'failed', error };
    } finally {
      if (timer !== undefined) systemClock.clearTimeout(timer);
    }
  }

  async #settle(execute: SqlExecutor, published: readonly Published[]): Promise<Look> {
    const { statements } = this.#options.outbox;
    const accepted = published.filter(({ outcome }) => outcome === 'accepted').map(({ event }) => event.id);
    if (accepted.length > 0) await execute(statements.remove(accepted.length), accepted);
    // One that nobody answered while others were taken: the broker is there, so it counts as an attempt of this event.
    const isThere = accepted.length > 0;
    const failed = published.filter(({ outcome }) => outcome === 'failed' || (isThere && outcome === 'away'));
    const dead: DeadEvent[] = [];
    for (const one of failed) dead.push(...(await this.#postpone(execute, one)));
    const away = isThere ? undefined : published.find(({ outcome }) => outcome === 'away');
    if (away !== undefined && this.#away === 0) this.#logger.warn(outboxMessages.brokerAway(away.error));
    const [found, delivered] = [published.length, accepted.length];
    return { found, delivered, failed: failed.length, dead, away: away !== undefined };
  }

  /** Sets the time of the next attempt; returns the event when there is none. */
  async #postpone(execute: SqlExecutor, { event, error }: Published): Promise<readonly DeadEvent[]> {
    const { outbox, delay, maxDelay, maxAttempts } = this.#options;
    const attempts = event.attempts + 1;
    const isDead = attempts >= maxAttempts;
    const wait = Math.min(delay * 2 ** Math.min(attempts - 1, 30), maxDelay);
    const text = String(error).slice(0, 500);
    await execute(outbox.statements.postpone, [text, wait, isDead ? 1 : 0, event.id]);
    return isDead ? [{ ...event, attempts, error: text }] : [];
  }
}

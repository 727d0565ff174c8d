import type { Background, Clock, Notice, TimerHandle } from '@strata-cache/core';
import { CATCH_ALL_TAG } from '../cdn-tag.js';
import { messages } from '../messages.js';
import { PurgeBacklog, type Purge } from './purge-backlog.js';
import type { ResolvedPurging } from './purge-options.js';
import type { PurgeAnswer, PurgeBatch, Purger } from './purger.js';
import { retryPause } from './retry-after.js';
import { TokenBucket } from './token-bucket.js';

/** Counters of one endpoint since the application started. */
export interface PurgeFigures {
  readonly purger: string;
  readonly endpoint: string;
  /** Tags and URLs that wait to be sent. */
  readonly waiting: number;
  /** Requests sent, and those of them that failed and were tried again. */
  readonly requests: number;
  readonly retries: number;
  /** Tags and URLs that were purged, repetitions included. */
  readonly purged: number;
  /** Tags and URLs given up: refused, too old, too many, or left at shutdown. */
  readonly dropped: number;
}

/** What the lanes of an application share. */
export interface LaneParts {
  readonly clock: Clock;
  readonly background: Background;
  readonly options: ResolvedPurging;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly notice: (notice: Notice) => void;
}

/**
 * The queue of one endpoint. A single worker runs while there is anything to send: it collects for a moment, then sends request after
 * request within the rate, and pauses after a failure or a full flush.
 */
export class PurgeLane {
  readonly #purger: Purger;
  readonly #endpoint: string;
  readonly #parts: LaneParts;
  readonly #backlog: PurgeBacklog;
  readonly #bucket: TokenBucket;
  readonly #abort = new AbortController();
  /** Repetitions that are not due yet, each batch with its timer. */
  readonly #later = new Map<TimerHandle, readonly Purge[]>();
  #isWorking = false;
  #isClosing = false;
  #failures = 0;
  #endNap: (() => void) | undefined;
  #requests = 0;
  #retries = 0;
  #purged = 0;
  #dropped = 0;
  #saysFull = true;

  constructor(purger: Purger, endpoint: string, parts: LaneParts) {
    this.#purger = purger;
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#backlog = new PurgeBacklog(parts.options.maxWaiting);
    this.#bucket = new TokenBucket(parts.clock, purger.limits.perSecond, purger.limits.burst);
  }

  get figures(): PurgeFigures {
    return {
      purger: this.#purger.name,
      endpoint: this.#endpoint,
      waiting: this.#backlog.size,
      requests: this.#requests,
      retries: this.#retries,
      purged: this.#purged,
      dropped: this.#dropped,
    };
  }

  /** Asks for names to be purged. `hard`: removed even where the purger is soft by default. Never fails and never waits. */
  add(kind: Purge['kind'], names: readonly string[], soft: boolean): void {
    const since = this.#parts.clock.now();
    const repeats = this.#parts.options.repeatAfter !== undefined && kind !== 'all';
    this.#addAll(names.map((name) => ({ kind, name, soft, since, repeats })));
  }

  #addAll(purges: readonly Purge[]): void {
    const refused = purges.filter((purge) => !this.#backlog.add(purge)).length;
    if (refused > 0) {
      this.#dropped += refused;
      if (this.#saysFull) this.#warn('purge.overflow', messages.purgeOverflow(this.#where, this.#backlog.size));
      this.#saysFull = false;
    }
    if (!this.#isWorking && this.#backlog.size > 0) {
      this.#isWorking = true;
      this.#parts.background.run('purge', () => this.#work());
    }
  }

  async #work(): Promise<void> {
    const { window, pause } = this.#parts.options;
    try {
      if (!this.#isClosing) await this.#nap(window);
      while (this.#backlog.size > 0 && !this.#abort.signal.aborted) {
        const wish = await this.#flush();
        if (this.#failures > 0) {
          await this.#nap(retryPause(this.#failures, wish, this.#parts.random()));
        } else if (this.#backlog.size > 0) {
          await this.#nap(pause);
        }
      }
    } finally {
      this.#isWorking = false;
      this.#saysFull = true;
    }
  }

  /** Sends until nothing is left, the flush is full, or a request failed; then returns the pause the CDN wished for. */
  async #flush(): Promise<number | undefined> {
    const { clock, options } = this.#parts;
    let room = options.maxTagsPerFlush;
    while (room > 0 && this.#backlog.size > 0) {
      const wait = this.#bucket.take();
      if (wait > 0) {
        await this.#nap(wait);
        if (this.#abort.signal.aborted) return undefined;
        continue;
      }
      const purges = this.#backlog.take(this.#purger.limits, room);
      room -= purges.length;
      const answer = await this.#send(purges);
      if (answer.outcome === 'retry') {
        this.#failed(purges, answer.reason, clock.now());
        return answer.after;
      }
      this.#failures = 0;
      if (answer.outcome === 'refused') {
        this.#dropped += purges.length;
        this.#warn('purge.refused', messages.purgeRefused(this.#where, purges.length, answer.reason));
      } else {
        this.#purged += purges.length;
        this.#repeatLater(purges.filter((purge) => purge.repeats));
      }
    }
    if (room === 0 && this.#backlog.size > 0) {
      const waiting = this.#backlog.size;
      this.#warn('purge.limited', messages.purgeLimited(this.#where, options.maxTagsPerFlush, waiting));
    }
    return undefined;
  }

  async #send(purges: readonly Purge[]): Promise<PurgeAnswer> {
    this.#requests++;
    try {
      return await this.#purger.send(this.#endpoint, batchOf(purges), this.#abort.signal);
    } catch (error) {
      return { outcome: 'retry', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #failed(purges: readonly Purge[], reason: string, now: number): void {
    this.#failures++;
    this.#retries++;
    this.#backlog.putBack(purges);
    const old = this.#backlog.dropOlder(now - this.#parts.options.giveUpAfter);
    this.#dropped += old;
    if (old > 0) this.#warn('purge.dropped', messages.purgeDropped(this.#where, old, reason));
    // Once per outage: the second failure in a row, for a single one is nothing to wake anybody for.
    if (this.#failures === 2) this.#warn('purge.failing', messages.purgeFailing(this.#where, reason));
  }

  /**
   * Why purges are sent twice: 1 the CDN misses and asks us, 2 our handler reads the old row, 3 a writer commits, invalidates and has the tag
   * purged, 4 the CDN stores the answer of 2, which it received too late to purge. The same happens where 2 is another instance whose L1
   * learns of the invalidation within `maxStaleness` only. The second purge finds what 4 has stored.
   */
  #repeatLater(purges: readonly Purge[]): void {
    const { clock, options } = this.#parts;
    if (purges.length === 0 || options.repeatAfter === undefined) return;
    const once = purges.map((purge) => ({ ...purge, repeats: false }));
    const timer = clock.setTimeout(() => {
      this.#later.delete(timer);
      this.#repeat(once);
    }, options.repeatAfter);
    this.#later.set(timer, once);
    // Nothing will look at the timer any more.
    if (this.#isClosing) this.#repeatNow();
  }

  #repeat(purges: readonly Purge[]): void {
    const since = this.#parts.clock.now();
    this.#addAll(purges.map((purge) => ({ ...purge, since })));
  }

  #repeatNow(): void {
    for (const [timer, purges] of this.#later) {
      this.#parts.clock.clearTimeout(timer);
      this.#later.delete(timer);
      this.#repeat(purges);
    }
  }

  async #nap(ms: number): Promise<void> {
    const { clock } = this.#parts;
    if (this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => this.#endNap?.(), ms);
      this.#endNap = () => {
        clock.clearTimeout(timer);
        this.#endNap = undefined;
        resolve();
      };
    });
  }

  /** Sends at once what waits, repetitions included; what is added from now on as well. */
  hurry(): void {
    this.#isClosing = true;
    this.#repeatNow();
    this.#endNap?.();
  }

  /** Ends the worker, and a request under way. */
  abort(): void {
    this.#abort.abort();
    this.#endNap?.();
  }

  /** Drops what is left, with a warning. */
  giveUp(): void {
    const left = this.#backlog.size;
    this.#dropped += left;
    if (left > 0) this.#warn('purge.left', messages.purgeLeft(this.#where, left));
    this.#backlog.dropOlder(Infinity);
  }

  get #where(): string {
    return `${this.#purger.name} at ${this.#endpoint}`;
  }

  #warn(name: string, message: string): void {
    this.#parts.notice({ level: 'warn', name, message });
  }
}

function batchOf(purges: readonly Purge[]): PurgeBatch {
  const { kind, soft } = purges[0];
  if (kind === 'all') return { kind };
  const names = purges.map((purge) => purge.name);
  return { kind, names: kind === 'tags' ? [...names, CATCH_ALL_TAG] : names, soft };
}

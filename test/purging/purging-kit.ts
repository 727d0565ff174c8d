import { type Notice } from '@strata-cache/core';
import { FakeClock, settle } from '@strata-cache/core/testing';
import { CATCH_ALL_TAG } from '../../libs/nestjs/src/cdn-tag.js';
import { resolvePurging, type PurgingOptions } from '../../libs/nestjs/src/purging/purge-options.js';
import { PurgeService } from '../../libs/nestjs/src/purging/purge.service.js';
import type { PurgeAnswer, PurgeBatch, Purger, PurgeLimits } from '../../libs/nestjs/src/purging/purger.js';

const DONE: PurgeAnswer = { outcome: 'done' };

/** A CDN that records what it is told, at which instant, and answers what it is told to answer. */
export class RecordingPurger implements Purger {
  readonly name = 'recorder';
  readonly endpoints: readonly string[];
  readonly tagHeader = 'x-tags';
  readonly soft = true;
  readonly limits: PurgeLimits;
  readonly batches: { readonly endpoint: string; readonly at: number; readonly batch: PurgeBatch }[] = [];
  /** The next answers per endpoint; a function may wait. Afterwards everything is done. */
  readonly answers = new Map<string, (PurgeAnswer | ((signal: AbortSignal) => Promise<PurgeAnswer>))[]>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, limits: Partial<PurgeLimits> = {}, endpoints: readonly string[] = ['http://one']) {
    this.#clock = clock;
    this.endpoints = endpoints;
    const { tagsPerRequest = 100, tagCharacters = 10_000, ...rest } = limits;
    this.limits = {
      // Room for the tag that goes with every request: tests speak of the others.
      tagsPerRequest: tagsPerRequest + 1,
      tagCharacters: tagCharacters + CATCH_ALL_TAG.length,
      urlsPerRequest: 10,
      perSecond: 1_000,
      burst: 1_000,
      ...rest,
    };
  }

  async send(endpoint: string, batch: PurgeBatch, signal: AbortSignal): Promise<PurgeAnswer> {
    this.batches.push({ endpoint, at: this.#clock.now(), batch });
    const next = this.answers.get(endpoint)?.shift() ?? DONE;
    return typeof next === 'function' ? next(signal) : next;
  }

  answer(...answers: (PurgeAnswer | ((signal: AbortSignal) => Promise<PurgeAnswer>))[]): void {
    this.answers.set(this.endpoints[0], answers);
  }

  /** The names of each batch, without the tag that goes with every one. */
  get names(): readonly (readonly string[])[] {
    return this.batches
      .map(({ batch }) => (batch.kind === 'all' ? ['*'] : batch.names.filter((name) => name !== CATCH_ALL_TAG)))
      .filter((names) => names.length > 0);
  }
}

export interface Stage {
  readonly clock: FakeClock;
  readonly purger: RecordingPurger;
  readonly purges: PurgeService;
  readonly notices: Notice[];
}

/** A purge service over a recording CDN, on a fake clock; repetitions are off unless asked for, pauses are not random. */
export function stage(
  options: PurgingOptions = {},
  limits: Partial<PurgeLimits> = {},
  endpoints?: readonly string[],
): Stage {
  const clock = new FakeClock();
  const purger = new RecordingPurger(clock, limits, endpoints);
  const notices: Notice[] = [];
  const purges = new PurgeService({
    purgers: [purger],
    options: resolvePurging({ repeatAfter: false, ...options }),
    clock,
    notice: (notice) => notices.push(notice),
    random: () => 1,
  });
  return { clock, purger, purges, notices };
}

export const retry = (after?: number): PurgeAnswer => ({ outcome: 'retry', reason: '503 busy', after });

/** Lets the worker of a lane reach its first nap, then passes `ms`. */
export async function pass({ clock }: Stage, ms: number): Promise<void> {
  await settle();
  await clock.advance(ms);
}

import { Logger } from '@nestjs/common';
import { Background, Strata, type Clock, type Consistency, type Notice } from '@strata-cache/core';
import { messages } from '../messages.js';
import type { HttpWarning, Outcome, RequestView } from './exchange.js';
import { combined } from './field.js';
import type { HttpPlatform } from './platform.js';
import { resourceTag, sameOriginTarget } from './representation-key.js';
import type { ResponseHead } from './response-head.js';
import { ResponseStore } from './response-store.js';
import { resolveRoutePolicy, type RoutePolicy } from './route-policy.js';
import type { HttpCacheSettings } from './settings.js';

const logger = new Logger('Strata');
const DRAIN_LIMIT = 5_000;

/** What the interceptor works with in one application. */
export class HttpCacheEngine {
  readonly settings: HttpCacheSettings;
  readonly clock: Clock;
  /** Undefined where the engine was replaced by a stand-in: nothing is stored then. */
  readonly store: ResponseStore | undefined;
  /** The policy of requests that change something: none. */
  readonly writing: RoutePolicy = resolveRoutePolicy('a write', {});
  /** Counts what became of a request. */
  readonly onOutcome: ((outcome: Outcome) => void) | undefined;
  readonly #background: Background;
  readonly #notice: (notice: Notice) => void;
  readonly #warned = new Set<string>();
  #platform: HttpPlatform | undefined;

  constructor(settings: HttpCacheSettings, strata: Strata, clock: Clock, consistency: Consistency | undefined) {
    this.settings = settings;
    this.clock = clock;
    const isEngine = strata instanceof Strata;
    this.onOutcome = isEngine ? (outcome) => strata.count('responses', outcome) : undefined;
    this.#notice = (notice) => {
      if (!isEngine || !strata.notice(notice)) logger.warn(notice.message);
    };
    this.#background = new Background({ notice: this.#notice });
    this.store = isEngine ? new ResponseStore(strata, clock, consistency, this.#background) : undefined;
  }

  /** Undefined until the application has an HTTP adapter, and for ever in one without. */
  get platform(): HttpPlatform | undefined {
    return this.#platform;
  }

  attach(platform: HttpPlatform | undefined): void {
    this.#platform = platform;
    platform?.install();
  }

  /** Once for each handler and warning. */
  warn(site: string, warning: HttpWarning): void {
    const known = `${site} ${warning}`;
    if (this.#warned.has(known)) return;
    this.#warned.add(known);
    this.#notice({ level: 'warn', name: `http.${warning}`, message: messages.httpTags(site, warning) });
  }

  detach(work: () => Promise<unknown>): void {
    this.#background.run('http.invalidate', work);
  }

  /** The URL that was written to, and those the response names (RFC 9111 section 4.4). A failing cache never fails a write that succeeded. */
  async invalidateWritten({ host, target, protocol }: RequestView, head: ResponseHead): Promise<void> {
    const named = [head.get('location'), head.get('content-location')]
      .map(combined)
      .map((text) => (text === undefined ? undefined : sameOriginTarget(text, protocol, host, target)));
    const targets = [target, ...named].filter((one) => one !== undefined);
    const tags = [...new Set(targets.map((one) => resourceTag(host, one)))];
    try {
      await this.store?.invalidate(tags);
    } catch (error) {
      const message = messages.httpInvalidationFailed(target.split('?', 1)[0], error);
      this.#notice({ level: 'warn', name: 'http.invalidate', message });
    }
  }

  /** Waits for what runs behind answers, at most as long as the engine itself does. */
  async drain(): Promise<void> {
    await this.#background.drain(this.clock, DRAIN_LIMIT);
  }
}

import { Logger } from '@nestjs/common';
import type { Strata } from '@strata-cache/core';

/** ms between two warnings of a kind; whoever can send bad events must not fill the log. */
const QUIET = 10_000;

/** Where the module says what went wrong: the engine's observer, or else Nest's logger. Of each kind at once, then at most every 10 s. */
export class EventLog {
  readonly #strata: Strata | undefined;
  readonly #logger = new Logger('CacheEvents');
  readonly #kinds = new Map<string, { until: number; suppressed: number }>();

  constructor(strata: Strata | undefined) {
    this.#strata = strata;
  }

  warn(kind: string, message: string): void {
    const now = performance.now();
    const last = this.#kinds.get(kind) ?? { until: 0, suppressed: 0 };
    if (now < last.until) {
      last.suppressed++;
      return;
    }
    this.#kinds.set(kind, { until: now + QUIET, suppressed: 0 });
    const text = last.suppressed > 0 ? `${message} (and ${last.suppressed} more of this kind)` : message;
    const notice = { level: 'warn', name: `events.${kind}`, message: text } as const;
    if (this.#strata?.notice(notice) !== true) this.#logger.warn(text);
  }

  debug(kind: string, message: string): void {
    this.#strata?.notice({ level: 'debug', name: `events.${kind}`, message });
  }
}

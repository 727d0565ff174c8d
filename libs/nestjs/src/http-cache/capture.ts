import type { StoredVariant } from './stored-response.js';

/** What became of a handler's run, as the store sees it. */
export type CaptureOutcome =
  | { readonly stored: StoredVariant; readonly tags: readonly string[] }
  | {
      /** Why the response is not stored. */
      readonly refused: string;
      /** The handler failed (status 5xx, or no response at all): what is stored stays usable where stale-if-error allows it. */
      readonly failed: boolean;
    };

/** The reason of a run that ended without a response: its client went away, or its socket was taken over. */
export const CLOSED = 'closed';

/** The promise of one run of a handler: settled when its response is final, and exactly once. */
export class Capture {
  readonly outcome: Promise<CaptureOutcome>;
  #settle!: (outcome: CaptureOutcome) => void;

  constructor() {
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
  }

  settle(outcome: CaptureOutcome): void {
    this.#settle(outcome);
  }
}

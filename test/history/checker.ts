import { ACROSS_PROCESSES } from './monotonic.js';
import type { Cell, Register } from './registers.js';

/** `coherent`: nothing older than what was acknowledged. `bounded`: nothing older by more than X. `hold`: linearizable with the source. */
export type Mode = 'coherent' | 'bounded' | 'hold';

export interface Violation {
  readonly what: 'stale' | 'order' | 'other key' | 'foreign error' | 'stuck';
  readonly key: string;
  readonly instance: string;
  readonly detail: string;
}

const KEPT = 20;

/**
 * Judges reads as they end. Versions make it linear-time: a register only rises, so one number taken **before** a read
 * tells what it must not return less than, and acknowledgements are recorded **after** they arrived.
 */
export class Checker {
  readonly mode: Mode;
  readonly maxStaleness: number;
  reads = 0;
  /** Reads older than an acknowledged invalidation; in bounded mode allowed up to X. */
  staleReads = 0;
  /** ms, the largest distance between an acknowledgement and a read that did not heed it. */
  maxLag = 0;
  violationCount = 0;
  readonly violations: Violation[] = [];

  constructor(mode: Mode, maxStaleness: number) {
    this.mode = mode;
    this.maxStaleness = maxStaleness;
  }

  /** The least version a read that starts at `now` may return. */
  floor(register: Register, now: number): number {
    if (this.mode === 'bounded') return register.settledBy(now - this.maxStaleness);
    // With the hold an entry is gone before the commit: whoever starts after the commit must see it.
    return register.family === 'hold' ? register.version : register.acked;
  }

  /** `floor`, `acked` and `seen` were taken when the read started, at `startedAt`. */
  check(register: Register, cell: Cell, read: ReadStart, instance: string): void {
    this.reads += 1;
    if (cell.k !== register.key) {
      this.report({ what: 'other key', key: register.key, instance, detail: `got the value of ${cell.k}` });
      return;
    }
    const { v } = cell;
    if (v < read.acked) {
      this.staleReads += 1;
      this.maxLag = Math.max(this.maxLag, read.startedAt - (register.overtakenAt(v) as number));
    }
    if (v < read.floor) {
      const overtaken = register.overtakenAt(v);
      const lag =
        overtaken === undefined
          ? 'not acknowledged'
          : `${(read.startedAt - overtaken).toFixed(1)} ms after the acknowledgement`;
      this.report({
        what: 'stale',
        key: register.key,
        instance,
        detail: `${read.how} got ${v}, needed ${read.floor}, ${lag}`,
      });
    } else if (register.family === 'hold' && v < read.seen) {
      this.report({
        what: 'order',
        key: register.key,
        instance,
        detail: `got ${v} after another read had got ${read.seen}`,
      });
    }
    if (v > register.seen) register.seen = v;
  }

  /** A read of another process, judged afterwards from the history. */
  checkLater(register: Register, version: number, startedAt: number, instance: string): void {
    this.reads += 1;
    const at = startedAt - ACROSS_PROCESSES;
    const floor = register.ackedBy(this.mode === 'bounded' ? at - this.maxStaleness : at);
    if (version < register.ackedBy(at)) {
      this.staleReads += 1;
      this.maxLag = Math.max(this.maxLag, startedAt - (register.overtakenAt(version) as number));
    }
    if (version < floor) {
      this.report({ what: 'stale', key: register.key, instance, detail: `got ${version}, needed ${floor}` });
    }
  }

  report(violation: Violation): void {
    this.violationCount += 1;
    if (this.violations.length < KEPT) this.violations.push(violation);
  }
}

/** What was known when a read started. */
export interface ReadStart {
  readonly how: string;
  readonly startedAt: number;
  readonly floor: number;
  readonly acked: number;
  readonly seen: number;
}

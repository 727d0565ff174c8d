import { setTimeout as delay } from 'node:timers/promises';
import type { Seeded } from '../support/seeded.js';
import type { Cell, Register } from './registers.js';
import type { Truth } from './truth.js';

/** The source's own failure: the only error a reader may see. */
export class SourceDown extends Error {
  override readonly name = 'SourceDown';
}

/** Loads of random latency, read at a random instant of it; some fail, a few are slower than every bound and lease. */
export class Source {
  executions = 0;
  failures = 0;
  /** Set at the end of a run: every load succeeds, at once. */
  calm = false;
  readonly #truth: Truth;
  readonly #random: Seeded;

  constructor(truth: Truth, random: Seeded) {
    this.#truth = truth;
    this.#random = random;
  }

  async load(register: Register): Promise<Cell> {
    this.executions += 1;
    if (this.calm) return this.#truth.read(register);
    const random = this.#random;
    await this.#wait();
    // A failed load may be answered by a stale value, which would hide an old one.
    if (register.family !== 'soft' && random.chance(0.02)) {
      this.failures += 1;
      throw new SourceDown('the source is down');
    }
    const cell = await this.#truth.read(register);
    await this.#wait();
    return cell;
  }

  async #wait(): Promise<void> {
    const random = this.#random;
    if (random.chance(0.003)) await delay(random.int(300, 1_500));
    else if (random.chance(0.6)) await delay(random.int(1, 8));
  }
}

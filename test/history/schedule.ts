import { setTimeout as delay } from 'node:timers/promises';
import type { Seeded } from '../support/seeded.js';

/** Something that can go wrong, and is over when `inject` resolves. */
export interface Fault {
  readonly name: string;
  /** How often, against the others of its lane. */
  readonly weight: number;
  inject(): Promise<void>;
}

/** What happened to one kind of fault. */
export interface FaultCount {
  readonly name: string;
  times: number;
}

/** Faults of one lane come one after the other, drawn by weight from the seed; lanes run beside each other. */
export class FaultLaneSchedule {
  readonly counts = new Map<string, FaultCount>();
  readonly #faults: readonly Fault[];
  readonly #random: Seeded;
  readonly #pause: { readonly min: number; readonly max: number };
  /** The fault that is on now. */
  underWay: string | undefined;
  #stopped = false;

  constructor(faults: readonly Fault[], random: Seeded, pause: { readonly min: number; readonly max: number }) {
    this.#faults = faults;
    this.#random = random;
    this.#pause = pause;
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#rest(this.#random.int(this.#pause.min, this.#pause.max));
      if (this.#stopped) return;
      const fault = this.#draw();
      this.underWay = fault.name;
      await fault.inject();
      this.underWay = undefined;
      const count = this.counts.get(fault.name) ?? { name: fault.name, times: 0 };
      count.times += 1;
      this.counts.set(fault.name, count);
    }
  }

  /** The fault under way still ends. */
  stop(): void {
    this.#stopped = true;
  }

  #draw(): Fault {
    let left = this.#random.next() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    for (const fault of this.#faults) {
      left -= fault.weight;
      if (left < 0) return fault;
    }
    return this.#faults[0];
  }

  async #rest(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#stopped; left -= 100) await delay(Math.min(left, 100));
  }
}

import { setImmediate as turn } from 'node:timers/promises';
import type { Seeded } from '../support/seeded.js';
import type { Instance } from './instance.js';
import type { Register } from './registers.js';
import { type Source, SourceDown } from './source.js';
import type { Truth } from './truth.js';

/** Reads between two turns of the event loop: hits of the first tier never leave the microtask queue. */
const READS_PER_TURN = 16;

export interface ReaderSetting {
  readonly instance: Instance;
  readonly registers: readonly Register[];
  readonly truth: Truth;
  readonly source: Source;
  readonly random: Seeded;
  readonly bounded: boolean;
}

/** Callers of one instance, each reading one key after the other. */
export class Readers {
  loadFailures = 0;
  readonly #setting: ReaderSetting;
  readonly #pending = new Map<symbol, string>();
  #stopped = false;

  constructor(setting: ReaderSetting) {
    this.#setting = setting;
  }

  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, async () => this.#loop()));
  }

  stop(): void {
    this.#stopped = true;
  }

  async #loop(): Promise<void> {
    const { registers, random } = this.#setting;
    while (!this.#stopped) {
      for (let read = 0; read < READS_PER_TURN && !this.#stopped; read += 1) {
        // Half of the reads go to a few hot keys, so that flights are shared.
        const hot = random.chance(0.5);
        await this.read(registers[random.int(0, hot ? Math.min(3, registers.length - 1) : registers.length - 1)]);
      }
      await turn();
    }
  }

  /** Keys asked for and not answered yet, with the way they were asked for. */
  get pending(): readonly string[] {
    return [...this.#pending.values()];
  }

  async read(register: Register): Promise<void> {
    const mine = Symbol(register.key);
    this.#pending.set(mine, register.key);
    await this.#read(register);
    this.#pending.delete(mine);
  }

  async #read(register: Register): Promise<void> {
    const { instance, truth, source, random, bounded } = this.#setting;
    const cache = instance.cache(register.family);
    const load = async (): Promise<Awaited<ReturnType<Source['load']>>> => source.load(register);
    try {
      if (bounded && random.chance(0.02)) {
        const start = truth.readStarts(register, 'peek');
        const cell = cache.peek(register.key);
        if (cell !== undefined) truth.readEnded(register, cell, start);
      } else if (random.chance(0.005)) {
        const start = truth.readStarts(register, 'fromSource');
        truth.readEnded(register, await cache.fromSource(register.key, load), start);
      } else {
        const start = truth.readStarts(register, 'getOrSet');
        truth.readEnded(register, await cache.getOrSet(register.key, load), start);
      }
    } catch (error) {
      if (error instanceof SourceDown || (error as Error).name === 'SourceDown') this.loadFailures += 1;
      else truth.foreignError(register, error);
    }
  }
}

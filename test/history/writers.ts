import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { InvalidationResult } from '@strata-cache/core';
import type { Seeded } from '../support/seeded.js';
import { type Instance, logicalKey } from './instance.js';
import type { Register } from './registers.js';
import type { Truth } from './truth.js';

/** Above the longest transaction; a writer that finds itself slower does not commit. Short, so that held keys are cached again in the run. ms */
const HOLD_TTL = 1_500;
const CRASH_HOLD_TTL = 400;
const RETRY_PAUSE = 40;

export interface WriterSetting {
  readonly instance: Instance;
  readonly registers: readonly Register[];
  readonly truth: Truth;
  readonly random: Seeded;
}

/** Writers of one instance: each commits to the source, then tells the cache until it acknowledges. */
export class Writers {
  /** Acknowledged. */
  invalidations = 0;
  /** Answered `acknowledged: false`, or failed. */
  refused = 0;
  /** Held, committed, and never came back. */
  crashes = 0;
  readonly #setting: WriterSetting;
  #stopped = false;
  #holders = 0;

  constructor(setting: WriterSetting) {
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
      const register = random.pick(registers);
      await delay(register.family === 'hold' ? random.int(10, 50) : random.int(2, 20));
      await this.#write(register);
    }
  }

  async #write(register: Register): Promise<void> {
    switch (register.family) {
      case 'plain':
        return this.#writePlain(register);
      case 'grace':
        return this.#writeGrace(register);
      case 'soft':
        return this.#writeSoft(register);
      case 'set':
        return this.#writeSet(register);
      case 'put':
        return this.#writePut(register);
      case 'hold':
        return this.#writeHeld(register);
    }
  }

  async #writePlain(register: Register): Promise<void> {
    const { instance, random } = this.#setting;
    const cache = instance.cache(register.family);
    const { key } = register;
    const kind = random.int(0, 999);
    if (kind < 600) return this.#change([register], async () => cache.delete(key));
    const mates = this.#sharing(register.tags[0]);
    const some = mates.filter(() => random.chance(0.6));
    if (kind < 700) return this.#change(some, async () => cache.deleteMany(some.map((mate) => mate.key)));
    const { strata } = instance;
    if (kind < 970) return this.#change(mates, async () => strata.invalidateTags([register.tags[0]]));
    const all = this.#sharing(register.tags[1]);
    if (kind < 980) return this.#change(all, async () => strata.invalidateTags([register.tags[1]]));
    if (kind < 990) return this.#change(all, async () => cache.clear());
    return this.#change(all, async () => strata.clear());
  }

  async #writeSoft(register: Register): Promise<void> {
    const { instance, random } = this.#setting;
    const cache = instance.cache('soft');
    const { strata } = instance;
    const { key } = register;
    const kind = random.int(0, 999);
    const mates = this.#sharing(register.tags[0]);
    if (kind < 550) return this.#change([register], async () => cache.expire(key));
    if (kind < 650) return this.#change(mates, async () => cache.expireMany(mates.map((mate) => mate.key)));
    if (kind < 900)
      return this.#change(mates, async () => strata.invalidateTags([register.tags[0]], { mode: 'expire' }));
    if (kind < 980) return this.#change([register], async () => cache.delete(key));
    const all = this.#sharing(register.tags[1]);
    if (kind < 990) return this.#change(all, async () => cache.clear({ mode: 'expire' }));
    return this.#change(all, async () => strata.clear({ mode: 'expire' }));
  }

  async #writeGrace(register: Register): Promise<void> {
    const { instance, random } = this.#setting;
    const cache = instance.cache('grace');
    const kind = random.int(0, 99);
    const mates = this.#sharing(register.tags[0]);
    if (kind < 45) return this.#change([register], async () => cache.delete(register.key));
    if (kind < 65) return this.#change(mates, async () => instance.strata.invalidateTags([register.tags[0]]));
    // Softly: the old value may still be served as stale, so nothing is promised for it.
    if (kind < 85) return this.#change([register], async () => cache.expire(register.key), 'soft');
    return this.#change(
      mates,
      async () => instance.strata.invalidateTags([register.tags[0]], { mode: 'expire' }),
      'soft',
    );
  }

  /** Two writers of one key would order their values by arrival, so here they take turns, in this process. */
  async #writeSet(register: Register): Promise<void> {
    if (register.busy) return;
    register.busy = true;
    try {
      const { instance, truth } = this.#setting;
      const cache = instance.cache('set');
      const [version] = await truth.commit([register]);
      const result = await cache.set(register.key, register.cell(version), { version }).catch(() => REFUSED);
      if (result.acknowledged) this.#acknowledged([register], [version]);
      else await this.#untilAcknowledged([register], [version], async () => cache.delete(register.key));
    } finally {
      register.busy = false;
    }
  }

  async #writePut(register: Register): Promise<void> {
    const { instance, truth, random } = this.#setting;
    const cache = instance.cache('put');
    try {
      await cache.put(register.key, async () => {
        await delay(random.int(0, 6));
        const [version] = await truth.commit([register]);
        await delay(random.int(0, 6));
        return register.cell(version);
      });
    } catch (error) {
      truth.foreignError(register, error);
    }
    // A put reports nothing, so it acknowledges nothing: sometimes somebody makes sure.
    if (random.chance(0.5)) {
      const versions = truth.covered([register], [register.version]);
      await this.#untilAcknowledged([register], versions, async () => cache.delete(register.key));
    }
  }

  async #writeHeld(register: Register): Promise<void> {
    const { instance, truth, random } = this.#setting;
    if (random.chance(0.07)) return this.#crashHolding(register);
    const since = performance.now();
    const change = async (): Promise<void> => {
      await delay(random.int(0, 8));
      // A writer that was stopped for long can no longer rely on its hold: it rolls back.
      if (performance.now() - since > HOLD_TTL / 2) return;
      await truth.commit([register]);
      await delay(random.int(0, 8));
    };
    try {
      await instance.cache('hold').withHold([register.key], change, HOLD_TTL);
      this.invalidations += 1;
    } catch {
      this.refused += 1;
    }
  }

  /** What a writer that dies between its commit and the release leaves behind. */
  async #crashHolding(register: Register): Promise<void> {
    const { instance, truth, random } = this.#setting;
    this.#holders += 1;
    const token = `crash.${random.int(0, 2 ** 32 - 1).toString(36)}.${this.#holders}`;
    const since = performance.now();
    try {
      await instance.tier().hold(logicalKey(register), { token, ttl: CRASH_HOLD_TTL });
    } catch {
      this.refused += 1;
      return;
    }
    await delay(random.int(0, 8));
    if (performance.now() - since > CRASH_HOLD_TTL / 2) return;
    await truth.commit([register]);
    this.crashes += 1;
  }

  #sharing(tag: string): Register[] {
    return this.#setting.registers.filter(({ tags }) => tags.includes(tag));
  }

  async #change(
    registers: readonly Register[],
    invalidate: () => Promise<InvalidationResult>,
    kind: 'hard' | 'soft' = 'hard',
  ): Promise<void> {
    const { truth, random } = this.#setting;
    if (registers.length === 0) return;
    const committed = await truth.commit(registers);
    // Readers that load here get the new value and may store it before the invalidation.
    if (random.chance(0.5)) await delay(random.int(0, 5));
    const versions = truth.covered(registers, committed);
    await this.#untilAcknowledged(kind === 'hard' ? registers : [], versions, invalidate);
  }

  /** Again and again, also when the run has ended: what is not acknowledged was not promised. */
  async #untilAcknowledged(
    registers: readonly Register[],
    versions: readonly number[],
    invalidate: () => Promise<InvalidationResult>,
  ): Promise<void> {
    for (;;) {
      const { acknowledged } = await invalidate().catch(() => REFUSED);
      if (acknowledged) return this.#acknowledged(registers, versions);
      this.refused += 1;
      await delay(RETRY_PAUSE);
    }
  }

  #acknowledged(registers: readonly Register[], versions: readonly number[]): void {
    this.invalidations += 1;
    this.#setting.truth.acknowledged(registers, versions);
  }
}

const REFUSED: InvalidationResult = { acknowledged: false };

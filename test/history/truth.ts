import { Checker, type ReadStart } from './checker.js';
import { monotonic } from './monotonic.js';
import type { Cell, Register } from './registers.js';

/** The source of truth, and the judge, as one instance sees them; another process has its own way to reach them. */
export interface Truth {
  /** What the source holds now. */
  read(register: Register): Promise<Cell> | Cell;
  /** Raises the registers, together, and returns their versions. */
  commit(registers: readonly Register[]): Promise<readonly number[]> | readonly number[];
  /** The versions an invalidation that is sent now covers, at least those `committed`. */
  covered(registers: readonly Register[], committed: readonly number[]): readonly number[];
  /** The invalidation that covers these versions was acknowledged, just now. */
  acknowledged(registers: readonly Register[], versions: readonly number[]): void;
  readStarts(register: Register, how: string): ReadStart;
  readEnded(register: Register, cell: Cell, start: ReadStart): void;
  /** A read, or a method around a write, failed with an error that is not the source's own. */
  foreignError(register: Register, error: unknown): void;
}

/** The registers themselves, for the instances of this process. */
export class LocalTruth implements Truth {
  readonly #checker: Checker;
  readonly #instance: string;
  /** Highest version this instance itself was acknowledged, by register: its own reads are bound at once, in every mode. */
  readonly #ackedHere: number[] = [];

  constructor(checker: Checker, instance: string) {
    this.#checker = checker;
    this.#instance = instance;
  }

  read(register: Register): Cell {
    return register.cell();
  }

  commit(registers: readonly Register[]): number[] {
    return registers.map((register) => register.commit());
  }

  covered(registers: readonly Register[]): number[] {
    return registers.map(({ version }) => version);
  }

  acknowledged(registers: readonly Register[], versions: readonly number[]): void {
    const at = monotonic();
    for (const [index, register] of registers.entries()) {
      register.acknowledge(versions[index], at);
      this.#ackedHere[register.index] = Math.max(this.#ackedHere[register.index] ?? 0, versions[index]);
    }
  }

  readStarts(register: Register, how: string): ReadStart {
    const startedAt = monotonic();
    const { acked, seen } = register;
    const floor = Math.max(this.#checker.floor(register, startedAt), this.#ackedHere[register.index] ?? 0);
    return { how, startedAt, floor, acked, seen };
  }

  readEnded(register: Register, cell: Cell, start: ReadStart): void {
    this.#checker.check(register, cell, start, this.#instance);
  }

  foreignError(register: Register, error: unknown): void {
    this.#checker.report({ what: 'foreign error', key: register.key, instance: this.#instance, detail: String(error) });
  }
}

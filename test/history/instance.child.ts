import { redis } from '@strata-cache/redis';
import { serveCalls, tellParent } from '../support/child-side.js';
import { Seeded } from '../support/seeded.js';
import type { Mode, ReadStart } from './checker.js';
import { Instance } from './instance.js';
import { monotonic } from './monotonic.js';
import { Readers } from './readers.js';
import { type Cell, type Register, registersOf } from './registers.js';
import { Source } from './source.js';
import type { Truth } from './truth.js';
import { Writers } from './writers.js';

/** A real process of its own: the parent stops and kills it under load. It reports; the parent judges. */
const [url, mode, maxStaleness, heartbeat, seed] = process.argv.slice(2);

/** Families this process reads and writes: those whose promises are judged by acknowledgements alone. */
const registers = registersOf(['plain', 'grace', 'soft']);
const REPORT_EVERY = 50;

interface Asked {
  readonly resolve: (versions: readonly number[]) => void;
}

/** The truth lives in the parent: loads and commits are questions to it, reads and acknowledgements are reported. */
class RemoteTruth implements Truth {
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #reads: number[] = [];

  constructor() {
    setInterval(() => this.flush(), REPORT_EVERY).unref();
  }

  answer(id: number, versions: readonly number[]): void {
    this.#asked.get(id)?.resolve(versions);
    this.#asked.delete(id);
  }

  async read(register: Register): Promise<Cell> {
    const [version] = await this.#ask('versions', [register]);
    return register.cell(version);
  }

  async commit(changed: readonly Register[]): Promise<readonly number[]> {
    return this.#ask('commit', changed);
  }

  covered(_registers: readonly Register[], committed: readonly number[]): readonly number[] {
    return committed;
  }

  acknowledged(changed: readonly Register[], versions: readonly number[]): void {
    tellParent('acknowledged', { keys: changed.map(({ index }) => index), versions, at: monotonic() });
  }

  readStarts(_register: Register, how: string): ReadStart {
    return { how, startedAt: monotonic(), floor: 0, acked: 0, seen: 0 };
  }

  readEnded(register: Register, cell: Cell, { startedAt }: ReadStart): void {
    if (cell.k !== register.key) tellParent('error', `${register.key}: got the value of ${cell.k}`);
    this.#reads.push(register.index, cell.v, startedAt);
  }

  foreignError(register: Register, error: unknown): void {
    tellParent('error', `${register.key}: ${String(error)}`);
  }

  flush(): void {
    if (this.#reads.length > 0) tellParent('reads', Float64Array.from(this.#reads));
    this.#reads = [];
  }

  async #ask(name: string, changed: readonly Register[]): Promise<readonly number[]> {
    const id = (this.#lastId += 1);
    return new Promise((resolve) => {
      this.#asked.set(id, { resolve });
      tellParent(name, { id, keys: changed.map(({ index }) => index) });
    });
  }
}

const truth = new RemoteTruth();
const random = new Seeded(Number(seed));
const instance = new Instance({
  mode: mode as Mode,
  maxStaleness: Number(maxStaleness),
  heartbeat: Number(heartbeat),
  l2: redis({ url }),
  skew: 0,
});
const source = new Source(truth, random.fork());
const bounded = mode === 'bounded';
const readers = new Readers({ instance, registers, truth, source, random: random.fork(), bounded });
const writers = new Writers({ instance, registers, truth, random: random.fork() });
let running: Promise<unknown> = Promise.resolve();

export const handlers = serveCalls({
  start: () => {
    running = Promise.all([readers.run(4), writers.run(1)]);
  },
  answer: ({ id, versions }: { id: number; versions: readonly number[] }) => truth.answer(id, versions),
  /** Ends the load; what is under way is finished, and every invalidation acknowledged. */
  stop: async () => {
    readers.stop();
    writers.stop();
    await running;
    truth.flush();
    const stats = instance.strata.caches().map((cache) => cache.stats());
    return {
      hits: stats.reduce((sum, { hits }) => sum + hits, 0),
      l2Hits: stats.reduce((sum, { l2Hits }) => sum + l2Hits, 0),
      executions: source.executions,
      invalidations: writers.invalidations,
    };
  },
});

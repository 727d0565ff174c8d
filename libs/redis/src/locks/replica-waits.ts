import type { Link } from '../link.js';
import type { LockDurability } from '../options.js';

interface Round {
  readonly number: number;
  readonly epoch: number;
  /** How many replicas had everything that was sent before. */
  readonly reached: Promise<number>;
}

/**
 * `WAIT` for replicas, once for many: it holds up whatever stands behind it on its connection, renewals as well, and covers whatever
 * was sent before it. Without sharing, twenty grants whose replica is away would keep a renewal waiting for twenty timeouts.
 */
export class ReplicaWaits {
  readonly #durability: LockDurability;
  readonly #rounds = new WeakMap<Link, Round>();

  constructor(durability: LockDurability) {
    this.#durability = durability;
  }

  /** The number of WAITs sent so far: to be asked when a write is sent. */
  sent(link: Link): number {
    return this.#rounds.get(link)?.number ?? 0;
  }

  /** How many replicas have a write that was sent when {@link sent} said `before`, and has been answered on the same connection. */
  reached(link: Link, before: number): Promise<number> {
    const last = this.#rounds.get(link);
    if (last !== undefined && last.number > before && last.epoch === link.epoch) {
      return last.reached;
    }
    const { replicas, timeout } = this.#durability;
    const reached = link.send('wait', [replicas, timeout]).then(Number);
    this.#rounds.set(link, { number: (last?.number ?? 0) + 1, epoch: link.epoch, reached });
    return reached;
  }
}

import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** What the lane asks at every chunk, since faults are switched at run time. */
export interface LaneFaults {
  /** How long the next chunk travels, ms. */
  delay(): number;
  /** Bytes are swallowed. */
  readonly swallowing: boolean;
  /** Bytes are kept back, and travel on later. */
  readonly holding: boolean;
}

interface Travelling {
  /** `null`: the end of the stream, which must not overtake the bytes before it. */
  readonly chunk: Buffer | null;
  readonly dueAt: number;
}

/** Above this the source is paused, as a full network would do. */
const HIGH_WATER = 4 * 1024 * 1024;

/**
 * One direction of one proxied connection. Chunks leave in the order they came, whatever their delays: an own timer per
 * chunk would let a short delay overtake a long one, which shifts RESP replies by one and looks like a stale read.
 */
export class FaultLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: LaneFaults;
  readonly #queue: Travelling[] = [];
  #queued = 0;
  #lastDueAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #hole = false;

  /** `seen` is called with each chunk as it arrives; `false` takes the chunk out of the stream. */
  constructor(from: Socket, to: Socket, faults: LaneFaults, seen: (chunk: Buffer) => boolean) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    from.on('data', (chunk: Buffer) => {
      if (seen(chunk)) this.#accept(chunk);
    });
    from.on('end', () => this.#accept(null));
    to.on('drain', () => this.#throttle());
  }

  /** Bytes (or the end) were swallowed: nothing may ever be delivered behind them. */
  get hasHole(): boolean {
    return this.#hole;
  }

  /** Sends what is due, or, when the fault now swallows, loses what was under way. Called when a fault is switched. */
  pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#faults.swallowing) this.#lose();
    while (this.#queue.length > 0 && !this.#faults.holding) {
      const wait = this.#queue[0].dueAt - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), wait);
        return;
      }
      this.#send(this.#queue.shift() as Travelling);
    }
  }

  /** Forgets what is under way. */
  close(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #accept(chunk: Buffer | null): void {
    if (this.#faults.swallowing || this.#hole) {
      this.#hole = true;
      return;
    }
    const dueAt = Math.max(this.#lastDueAt, performance.now() + this.#faults.delay());
    this.#lastDueAt = dueAt;
    this.#queue.push({ chunk, dueAt });
    this.#queued += chunk?.length ?? 0;
    this.#throttle();
    // With a timer armed the head of the queue is waited for, and this chunk is behind it.
    if (this.#timer === undefined) this.pump();
  }

  #send({ chunk }: Travelling): void {
    if (chunk === null) {
      this.#to.end();
      return;
    }
    this.#queued -= chunk.length;
    this.#to.write(chunk);
    this.#throttle();
  }

  /** A reader that is frozen must slow the writer down, as it would without us between them. */
  #throttle(): void {
    const full = this.#queued + this.#to.writableLength > HIGH_WATER;
    if (full !== this.#from.isPaused()) this.#from[full ? 'pause' : 'resume']();
  }

  #lose(): void {
    if (this.#queue.length === 0) return;
    this.#hole = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#throttle();
  }
}

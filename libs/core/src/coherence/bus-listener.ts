import { markHandled, type Background } from '../background.js';
import type { Bus, BusHead, BusMessage, BusSink } from '../bus/bus.js';
import type { Clock, TimerHandle } from '../clock/clock.js';
import type { Coherence } from './coherence.js';
import type { Observer } from '../observer.js';
import { kindOf, type Tally } from '../tally.js';

/** Where this process stands in the stream of one shard. */
interface Position {
  incarnation: number | undefined;
  sequence: number;
  connected: boolean;
  /** The monotonic instant of the last proof, or of the start. */
  provenAt: number;
  /** Ends the probe under way, if any; its answer then no longer counts. */
  endProbe: (() => void) | undefined;
}

/**
 * Receives invalidations and proves, shard by shard, that none is missing (docs/protocol.md 6). A message out of order or a probe
 * that knows more than we received is a gap: everything of that shard is dropped. A probe that agrees proves L1 up to the instant it was
 * **sent**. It only ever applies invalidations; it has no way to publish one.
 */
export class BusListener implements BusSink {
  readonly #bus: Bus;
  readonly #coherence: Coherence;
  readonly #clock: Clock;
  readonly #background: Background;
  readonly #observer: Observer;
  readonly #heartbeat: number;
  readonly #tally: Tally;
  readonly #positions: Position[];
  #timer: TimerHandle | undefined;
  #gaps = 0;
  #lag = 0;
  #closed = false;

  constructor(
    bus: Bus,
    coherence: Coherence,
    clock: Clock,
    background: Background,
    observer: Observer,
    heartbeat: number,
    tally: Tally,
  ) {
    this.#bus = bus;
    this.#coherence = coherence;
    this.#clock = clock;
    this.#background = background;
    this.#observer = observer;
    this.#heartbeat = heartbeat;
    this.#tally = tally;
    this.#positions = Array.from({ length: bus.shards }, () => ({
      incarnation: undefined,
      sequence: 0,
      connected: false,
      provenAt: clock.now(),
      endProbe: undefined,
    }));
  }

  /** Gaps seen so far. */
  get gaps(): number {
    return this.#gaps;
  }

  /** ms the last probe took to come back behind the messages before it. */
  get lag(): number {
    return this.#lag;
  }

  /** ms since the last proof of the shard that waits longest for one. */
  get heartbeatAge(): number {
    return this.#clock.now() - Math.min(...this.#positions.map(({ provenAt }) => provenAt));
  }

  start(): void {
    this.#bus.start(this);
    this.#schedule();
  }

  onMessage(message: BusMessage): void {
    const position = this.#positions[message.shard];
    const { incarnation, sequence, event } = message;
    this.#tally.add('received', [event === undefined ? 'unreadable' : kindOf(event)]);
    const expected = position.incarnation === incarnation && sequence === position.sequence + 1;
    if (event === undefined || !expected) {
      this.#gap(message.shard, message);
    } else {
      position.sequence = sequence;
    }
    if (event !== undefined) {
      this.#coherence.apply(event);
    }
  }

  onConnected(shard: number): void {
    const position = this.#positions[shard];
    position.connected = true;
    // A probe of the connection before may never be answered.
    position.endProbe?.();
    this.#probe(shard);
  }

  onDisconnected(shard: number): void {
    this.#positions[shard].connected = false;
    this.suspect(shard);
  }

  /** Something contradicts what we believe about a shard: L1 is not served until the next proof. */
  suspect(shard: number): void {
    this.#coherence.doubt(shard);
    if (this.#positions[shard].connected) {
      this.#probe(shard);
    }
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      for (let shard = 0; shard < this.#positions.length; shard++) {
        this.#probe(shard);
      }
      this.#schedule();
    }, this.#heartbeat);
  }

  #probe(shard: number): void {
    const position = this.#positions[shard];
    if (!position.connected || position.endProbe !== undefined || this.#closed) {
      return;
    }
    const sentAt = this.#clock.now();
    const before = { incarnation: position.incarnation, sequence: position.sequence };
    // A probe that fails proves nothing: the last proof ages until the bound is reached. One that is not answered within the bound could
    // prove nothing any more, and must not stand in the way of the next.
    this.#background.run(
      'bus.probe',
      () =>
        new Promise<void>((resolve) => {
          if (this.#closed) {
            resolve();
            return;
          }
          const end = (): void => {
            this.#clock.clearTimeout(timer);
            position.endProbe = position.endProbe === end ? undefined : position.endProbe;
            resolve();
          };
          const timer = this.#clock.setTimeout(end, this.#coherence.maxStaleness);
          position.endProbe = end;
          markHandled(
            this.#bus.probe(shard).then((head) => {
              if (position.endProbe === end) {
                this.#judge(shard, head, before, sentAt);
              }
              end();
            }, end),
          );
        }),
    );
  }

  #judge(
    shard: number,
    head: BusHead,
    before: { incarnation: number | undefined; sequence: number },
    sentAt: number,
  ): void {
    const position = this.#positions[shard];
    this.#lag = this.#clock.now() - sentAt;
    const sameLife = head.incarnation === position.incarnation;
    // Lost messages: the reply is ordered behind all that were delivered. Rollback: compared with what we knew when we asked, since
    // messages that overtook the reply have moved us on rightly.
    const lost = head.sequence > position.sequence;
    const rolledBack = before.incarnation === head.incarnation && head.sequence < before.sequence;
    if (!sameLife || lost || rolledBack) {
      this.#gap(shard, head);
    }
    if (position.connected) {
      this.#coherence.prove(shard, sentAt);
      position.provenAt = sentAt;
    }
  }

  #gap(shard: number, head: BusHead): void {
    const position = this.#positions[shard];
    if (position.incarnation !== undefined) {
      this.#gaps++;
      this.#observer.notice?.({
        level: 'debug',
        name: 'bus.gap',
        message: `shard ${shard}: invalidations were missed, L1 of the shard is dropped`,
      });
    }
    position.incarnation = head.incarnation;
    position.sequence = head.sequence;
    this.#coherence.dropShard(shard);
  }

  /** No more probes; messages still arrive. */
  stop(): void {
    this.#closed = true;
    if (this.#timer !== undefined) {
      this.#clock.clearTimeout(this.#timer);
    }
    for (const position of this.#positions) {
      position.endProbe?.();
    }
  }

  async close(): Promise<void> {
    this.stop();
    await this.#bus.close();
  }
}

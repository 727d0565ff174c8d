import { ATTACH } from './scripts/attach.js';
import { type Link, unavailable } from './link.js';
import type { ServerChangePolicy } from './options.js';
import { retryDelay } from './profiles.js';
import type { ScriptRunner } from './script-runner.js';
import { ServerTime } from './server-time.js';
import type { ShardView } from './shard.js';

export interface GateHooks {
  /** More to do before a shard counts as attached (the bus subscribes). Rejecting means: try again. */
  prepare?(shard: number, link: Link): Promise<void>;
  onAttached?(shard: number): void;
  onDetached?(shard: number): void;
  onWarning(message: string): void;
}

interface Door {
  link: Link | undefined;
  attached: boolean;
  /** Counts attempts: an answer to an earlier one is not ours. */
  attempt: number;
  failures: number;
  /** The last reply showed a sequence or clock that went back. */
  rolledBack: boolean;
  /** Newest logical clock seen, within its incarnation. */
  incarnation: number;
  clock: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * No shard is used on a connection before ATTACH has returned there: between "connected" and "attached" a restarted server would show
 * entries whose invalidation it has forgotten (16 to 24 stale reads per run without the gate, 0 with it; docs/protocol.md 9).
 */
export class AttachGate {
  readonly #doors: Door[];
  readonly #views: readonly ShardView[];
  readonly #scripts: ScriptRunner;
  readonly #policy: ServerChangePolicy;
  readonly #hooks: GateHooks;
  /** Shard 0 tells whether all instances cut the namespace alike; the others wait for its first answer. */
  #agreed = false;
  #closed = false;

  constructor(views: readonly ShardView[], scripts: ScriptRunner, policy: ServerChangePolicy, hooks: GateHooks) {
    this.#views = views;
    this.#scripts = scripts;
    this.#policy = policy;
    this.#hooks = hooks;
    this.#doors = views.map(() => ({
      link: undefined,
      attached: false,
      attempt: 0,
      failures: 0,
      rolledBack: false,
      incarnation: 0,
      clock: 0,
      timer: undefined,
    }));
  }

  /** The connection a shard may be used on now. */
  attached(shard: number): Link | undefined {
    const door = this.#doors[shard];
    return door.attached ? door.link : undefined;
  }

  /** @throws TierError while the shard is not attached */
  require(shard: number): Link {
    const link = this.attached(shard);
    if (link === undefined) {
      throw unavailable(`shard ${shard} is not attached (no connection, or it is being checked)`);
    }
    return link;
  }

  /** Leads a shard to a connection. */
  route(shard: number, link: Link | undefined): void {
    const door = this.#doors[shard];
    if (door.link !== link) {
      this.#shut(shard);
      door.link = link;
      this.#begin(shard);
    }
  }

  onOpen(link: Link): void {
    for (const [shard, door] of this.#doors.entries()) {
      if (door.link === link) {
        this.#begin(shard);
      }
    }
  }

  /** The connection is lost, or its subscriptions are. */
  detachAll(link: Link): void {
    for (const [shard, door] of this.#doors.entries()) {
      if (door.link === link) {
        this.detach(shard, link);
      }
    }
  }

  /** A reply on `link` showed a state that is not the one we attached to: check it again. */
  detach(shard: number, link: Link, rolledBack = false): void {
    const door = this.#doors[shard];
    if (door.link === link) {
      door.rolledBack ||= rolledBack;
      this.#shut(shard);
      this.#begin(shard);
    }
  }

  /**
   * Remembers the logical clock of an acknowledgement `[name, incarnation, found, left]`. Found lower than it was left before, within an
   * incarnation: an older state was restored (a demoted master that was promoted again, or a restart where INFO is denied).
   */
  sawClock(shard: number, link: Link, reply: readonly string[]): boolean {
    const door = this.#doors[shard];
    const [incarnation, found, left] = reply.slice(1, 4).map(Number);
    if (wentBack(door, incarnation, found)) {
      this.detach(shard, link, true);
      return false;
    }
    door.incarnation = incarnation;
    door.clock = left;
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const shard of this.#doors.keys()) {
      this.#shut(shard);
    }
  }

  #shut(shard: number): void {
    const door = this.#doors[shard];
    door.attempt += 1;
    clearTimeout(door.timer);
    if (door.attached) {
      door.attached = false;
      this.#hooks.onDetached?.(shard);
    }
  }

  #begin(shard: number): void {
    const door = this.#doors[shard];
    const { link } = door;
    if (this.#closed || link === undefined || !link.open || door.attached || (shard !== 0 && !this.#agreed)) {
      return;
    }
    const attempt = ++door.attempt;
    clearTimeout(door.timer);
    this.#attach(shard, link).then(
      () => this.#succeeded(shard, attempt),
      (error: unknown) => this.#failed(shard, attempt, error),
    );
  }

  async #attach(shard: number, link: Link): Promise<void> {
    const door = this.#doors[shard];
    const sent = ServerTime.mark();
    const args = [this.#policy, door.rolledBack ? '1' : '0'];
    const [status, incarnation, found, left, now] = await this.#scripts.run(
      link,
      ATTACH,
      this.#views[shard].keys,
      [],
      args,
    );
    if (status !== 'attached') {
      throw unavailable(
        `this namespace was set up with ${incarnation} shards, not ${this.#doors.length}: give every instance the same \`shards\`, or use another namespace`,
      );
    }
    if (!door.rolledBack && wentBack(door, Number(incarnation), Number(found))) {
      door.rolledBack = true;
      return this.#attach(shard, link);
    }
    door.rolledBack = false;
    door.incarnation = Number(incarnation);
    door.clock = Number(left);
    link.time.sample(Number(now), sent);
    await this.#hooks.prepare?.(shard, link);
  }

  #succeeded(shard: number, attempt: number): void {
    const door = this.#doors[shard];
    if (door.attempt !== attempt || !door.link?.open) {
      return;
    }
    door.attached = true;
    door.failures = 0;
    this.#hooks.onAttached?.(shard);
    if (shard === 0 && !this.#agreed) {
      this.#agreed = true;
      for (let other = 1; other < this.#doors.length; other++) {
        this.#begin(other);
      }
    }
  }

  #failed(shard: number, attempt: number, error: unknown): void {
    const door = this.#doors[shard];
    if (door.attempt !== attempt || this.#closed) {
      return;
    }
    if (door.failures++ === 0) {
      this.#hooks.onWarning(error instanceof Error ? error.message : String(error));
    }
    door.timer = setTimeout(() => this.#begin(shard), retryDelay(door.failures)).unref();
  }
}

function wentBack(door: Door, incarnation: number, found: number): boolean {
  return door.incarnation === incarnation && found < door.clock;
}

import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultLane, type LaneFaults } from './fault-lane.js';
import { freePort } from './free-port.js';
import { onStopAll } from './process-keeper.js';
import { Seeded } from './seeded.js';

/** `'up'`: from client to server; `'down'`: from server to client. */
export type ProxyDirection = 'up' | 'down' | 'both';

/** A loopback port or the path of a unix socket. */
export type ProxyTarget = number | string;

/** What passed since the start or the last `resetCounters()`. Swallowed bytes count: the sender did write them. */
export interface ProxyCounters {
  /** Connections accepted. */
  readonly connections: number;
  /** Client -> server reads of the proxy: at most one per write, since the kernel may join writes that follow at once. */
  readonly upChunks: number;
  readonly downChunks: number;
  readonly upBytes: number;
  readonly downBytes: number;
  /** Times a client began to speak after the server had spoken (or at first): requests in one batch are one. */
  readonly roundTrips: number;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  /** A unix socket knows no RST. */
  readonly upstreamIsTcp: boolean;
  readonly up: FaultLane;
  readonly down: FaultLane;
  /** Whose turn it is, for `roundTrips`. */
  clientSpoke: boolean;
  /** Set when this link's next reply is to be lost. */
  loseReply?: (lost: boolean) => void;
}

interface ReplyTrap {
  readonly matches: (request: Buffer) => boolean;
  readonly sprung: (lost: boolean) => void;
}

class DirectionFaults implements LaneFaults {
  swallowing = false;
  holding = false;
  readonly #delay: () => number;

  constructor(delay: () => number) {
    this.#delay = delay;
  }

  delay(): number {
    return this.#delay();
  }
}

const ZERO: ProxyCounters = { connections: 0, upChunks: 0, downChunks: 0, upBytes: 0, downBytes: 0, roundTrips: 0 };

/**
 * A TCP proxy on loopback whose faults are switched while it runs. Byte order is kept per direction under every fault.
 * The target may be down or restarting: a client is then reset, as by a closed port behind a balancer.
 */
export class FaultProxy {
  readonly #random: Seeded;
  readonly #links = new Set<Link>();
  readonly #traps: ReplyTrap[] = [];
  readonly #faults = { up: new DirectionFaults(() => this.#travel()), down: new DirectionFaults(() => this.#travel()) };
  #target: ProxyTarget;
  #server: Server | undefined;
  #port: number | undefined;
  #latency = { ms: 0, jitter: 0 };
  #counters: { -readonly [Name in keyof ProxyCounters]: number } = { ...ZERO };
  #withdraw: (() => void) | undefined;

  /** `seed` steers the jitter. */
  constructor(target: ProxyTarget, { seed = 1 }: { readonly seed?: number } = {}) {
    this.#target = target;
    this.#random = new Seeded(seed);
  }

  /** Listens; the port stays the same for the life of the proxy. */
  async start(): Promise<this> {
    await this.#listen();
    this.#withdraw = onStopAll(async () => this.close());
    return this;
  }

  /** Resets every connection and listens no more. */
  async close(): Promise<void> {
    this.#withdraw?.();
    await this.refuse(true);
    this.reset();
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('FaultProxy.port: start() first.');
    return this.#port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections open now, as the clients see it. */
  get open(): number {
    return this.#links.size;
  }

  get counters(): ProxyCounters {
    return { ...this.#counters };
  }

  /** Counts from zero; the next bytes a client sends begin a round trip. */
  resetCounters(): void {
    this.#counters = { ...ZERO };
    for (const link of this.#links) link.clientSpoke = false;
  }

  /** Connections made from now on go there. */
  retarget(target: ProxyTarget): void {
    this.#target = target;
  }

  /** Cuts every connection with RST, on both sides. Bytes under way are lost. */
  reset(): void {
    for (const link of this.#links) this.#cut(link);
  }

  /** On: nobody listens, new connections get ECONNREFUSED; those open stay open (see `reset`). Off: listens again. */
  async refuse(on: boolean): Promise<void> {
    if (!on) return this.#server ? undefined : this.#listen();
    const server = this.#server;
    this.#server = undefined;
    // Not awaited: 'close' comes only when the open connections have ended, but the port is given back at once.
    server?.close();
  }

  /**
   * On: bytes of that direction are read and lost, new connections are accepted, and the end of one side is not told to
   * the other. Off: connections that lost anything are reset, since a byte behind a hole would be read as another
   * reply; those that lost nothing go on.
   */
  blackhole(direction: ProxyDirection, on: boolean): void {
    for (const lane of lanesOf(direction)) this.#faults[lane].swallowing = on;
    for (const link of this.#links) this.#refresh(link);
  }

  /** On: bytes of that direction are kept back. Off: they arrive, late and in order, as after a short partition. */
  hold(direction: ProxyDirection, on: boolean): void {
    for (const lane of lanesOf(direction)) this.#faults[lane].holding = on;
    for (const link of this.#links) this.#refresh(link);
  }

  /** From now on each chunk travels `ms` plus or minus up to `jitter` ms, each way, and none overtakes another. */
  latency(ms: number, jitter = 0): void {
    this.#latency = { ms, jitter };
  }

  /**
   * Lets the next request through (the next chunk that holds the text, in any case, or that `matches`), and cuts its connection with
   * RST when the server's answer arrives: the command was executed and the caller cannot know. Resolves with true
   * then, and with false when the connection ended otherwise or `heal()` came first. Arm it, act, then await it.
   */
  async dropNextReply(matches: string | ((request: Buffer) => boolean) = ''): Promise<boolean> {
    const holds = (request: Buffer, text: string): boolean => request.toString('latin1').toLowerCase().includes(text);
    const asked = typeof matches === 'string' ? matches.toLowerCase() : matches;
    return new Promise((resolve) => {
      const test = typeof asked === 'string' ? (request: Buffer): boolean => holds(request, asked) : asked;
      this.#traps.push({ matches: test, sprung: resolve });
    });
  }

  /** Ends every fault. Connections that lost bytes are reset. */
  async heal(): Promise<void> {
    this.latency(0);
    for (const trap of this.#traps.splice(0)) trap.sprung(false);
    this.hold('both', false);
    this.blackhole('both', false);
    await this.refuse(false);
  }

  async #listen(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const port = this.#port ?? (await freePort());
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, '127.0.0.1', resolve);
        });
        this.#port = port;
        this.#server = server;
        return;
      } catch (error) {
        if (attempt >= 40) throw error;
        await delay(25);
      }
    }
  }

  #accept(client: Socket): void {
    const target =
      typeof this.#target === 'number' ? { port: this.#target, host: '127.0.0.1' } : { path: this.#target };
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const link: Link = {
      client,
      upstream,
      upstreamIsTcp: typeof this.#target === 'number',
      up: new FaultLane(client, upstream, this.#faults.up, (chunk) => this.#request(link, chunk)),
      down: new FaultLane(upstream, client, this.#faults.down, (chunk) => this.#reply(link, chunk)),
      clientSpoke: false,
    };
    this.#links.add(link);
    this.#counters.connections += 1;
    this.#whenGone(client, link, this.#faults.up);
    this.#whenGone(upstream, link, this.#faults.down);
  }

  /** One side is gone: tell the other, unless the news itself would have to pass through a black hole. */
  #whenGone(socket: Socket, link: Link, news: DirectionFaults): void {
    let broken = false;
    socket.on('error', () => {
      broken = true;
    });
    socket.on('close', () => {
      const bothGone = link.client.destroyed && link.upstream.destroyed;
      if (bothGone || (broken && !news.swallowing && !news.holding)) this.#cut(link);
    });
  }

  #request(link: Link, chunk: Buffer): boolean {
    this.#counters.upChunks += 1;
    this.#counters.upBytes += chunk.length;
    if (!link.clientSpoke) this.#counters.roundTrips += 1;
    link.clientSpoke = true;
    const trap = link.loseReply ? -1 : this.#traps.findIndex(({ matches }) => matches(chunk));
    if (trap >= 0) link.loseReply = this.#traps.splice(trap, 1)[0].sprung;
    return true;
  }

  #reply(link: Link, chunk: Buffer): boolean {
    this.#counters.downChunks += 1;
    this.#counters.downBytes += chunk.length;
    link.clientSpoke = false;
    if (!link.loseReply) return true;
    link.loseReply(true);
    this.#cut(link);
    return false;
  }

  #refresh(link: Link): void {
    const { up, down } = this.#faults;
    link.up.pump();
    link.down.pump();
    const healed = (link.up.hasHole && !up.swallowing) || (link.down.hasHole && !down.swallowing);
    const halfGone =
      (link.client.destroyed && !up.swallowing && !up.holding) ||
      (link.upstream.destroyed && !down.swallowing && !down.holding);
    if (healed || halfGone) this.#cut(link);
  }

  #cut(link: Link): void {
    this.#links.delete(link);
    link.loseReply?.(false);
    link.up.close();
    link.down.close();
    cutSocket(link.client);
    if (link.upstreamIsTcp && !link.upstream.connecting) cutSocket(link.upstream);
    else link.upstream.destroy();
  }

  #travel(): number {
    const { ms, jitter } = this.#latency;
    return jitter === 0 ? ms : Math.max(0, ms + (this.#random.next() * 2 - 1) * jitter);
  }
}

/** With RST. Not while an `end()` is being sent: libuv refuses that, Node then leaks the handle, and the event loop spins on it. */
function cutSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

function lanesOf(direction: ProxyDirection): ('up' | 'down')[] {
  return direction === 'both' ? ['up', 'down'] : [direction];
}

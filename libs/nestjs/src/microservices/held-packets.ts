import { connectionOf, type EventServer } from './server-connections.js';

/** ms after which a packet that no handler has asked for is acknowledged: a guard or a pipe may have kept it from ours. */
const UNCLAIMED = 10_000;

interface MqttPacket {
  readonly topic?: string;
  readonly qos?: number;
}

interface MqttClient {
  handleMessage(packet: MqttPacket, done: (error?: Error) => void): void;
  on(event: 'close', listener: () => void): void;
  readonly stream?: { destroy(): void } | undefined;
}

interface Held {
  readonly client: MqttClient;
  readonly done: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Holds back the acknowledgement of MQTT packets. mqtt.js acknowledges a packet when `handleMessage` calls back, which by default is at once,
 * while the handler still runs; until then it reads no further packet.
 */
export class HeldPackets {
  readonly #topics: ReadonlySet<string>;
  readonly #clients = new WeakSet<object>();
  readonly #held = new Map<object, Held>();

  constructor(topics: readonly string[]) {
    this.#topics = new Set(topics);
  }

  /** From now on packets of a server's client are held. Called for each connection; the first counts. */
  hold(server: EventServer): void {
    const client = connectionOf(server) as MqttClient;
    if (this.#clients.has(client)) return;
    this.#clients.add(client);
    const original = client.handleMessage.bind(client);
    client.handleMessage = (packet, done) => {
      if ((packet.qos ?? 0) === 0 || !this.#topics.has(packet.topic ?? '')) return original(packet, done);
      const timer = setTimeout(() => this.release(packet), UNCLAIMED).unref();
      this.#held.set(packet, { client, done, timer });
    };
    // What was held on a lost connection is delivered again on the next; acknowledging it there would acknowledge another packet.
    client.on('close', () => {
      for (const [packet, held] of this.#held) if (held.client === client) this.#forget(packet);
    });
  }

  /** Whether the packet waits for `release`. The handler that asks is from now on answerable for it. */
  has(packet: object): boolean {
    const held = this.#held.get(packet);
    clearTimeout(held?.timer);
    return held !== undefined;
  }

  release(packet: object): void {
    this.#forget(packet)?.done();
  }

  /** MQTT has no way to refuse a packet: the connection is dropped, and the broker delivers again what was not acknowledged. */
  giveBack(packet: object): void {
    this.#forget(packet)?.client.stream?.destroy();
  }

  #forget(packet: object): Held | undefined {
    const held = this.#held.get(packet);
    clearTimeout(held?.timer);
    this.#held.delete(packet);
    return held;
  }
}

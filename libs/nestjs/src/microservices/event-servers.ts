import type { ModulesContainer } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { eventNames, type Background, type Strata } from '@strata-cache/core';
import type { Subscription } from 'rxjs';
import { checkServer } from './boot-check.js';
import type { CacheEventsExtras, ResolvedEventsOptions } from './cache-events-options.js';
import type { DeliveryFacts } from './delivery.js';
import type { EventLog } from './event-log.js';
import { eventMessages } from './event-messages.js';
import type { EventTally } from './event-stats.js';
import { HeldPackets } from './held-packets.js';
import { channelOf, transportName, watchConnections, type EventServer } from './server-connections.js';

/**
 * The transport servers of the application, as they are connected: checks their settings, takes care of acknowledgements that Nest leaves out,
 * and drops what was cached when one of them has been away.
 */
export class EventServers implements DeliveryFacts {
  readonly #strata: Strata | undefined;
  readonly #names: readonly string[];
  readonly #options: ResolvedEventsOptions;
  readonly #background: Background;
  readonly #stats: EventTally;
  readonly #log: EventLog;
  readonly #servers: EventServer[] = [];
  readonly #subscriptions: Pick<Subscription, 'unsubscribe'>[] = [];
  readonly #held: HeldPackets;

  constructor(
    container: ModulesContainer,
    strata: Strata | undefined,
    { caches = [], transport }: CacheEventsExtras,
    options: ResolvedEventsOptions,
    background: Background,
    stats: EventTally,
    log: EventLog,
  ) {
    this.#strata = strata;
    this.#names = eventNames(caches);
    this.#options = options;
    this.#background = background;
    this.#stats = stats;
    this.#log = log;
    this.#held = new HeldPackets(this.#names);
    if (this.#names.length > 0) {
      // Every server there will ever be: it replays those that came before.
      const servers = container.getRpcTargetRegistry<EventServer>();
      const isOurs = (server: EventServer): boolean => transport === undefined || server.transportId === transport;
      this.#subscriptions.push(servers.subscribe((server) => (isOurs(server) ? this.#add(server) : undefined)));
    }
  }

  /** A single AMQP server decides for all channels; of several, the one that the channel belongs to. */
  needsAck(channel: unknown): boolean {
    const amqp = this.#servers.filter(({ transportId }) => transportId === Transport.RMQ);
    const server = amqp.length > 1 ? amqp.find((one) => channelOf(one) === channel) : amqp[0];
    return server?.options?.noAck === false;
  }

  isHolding(packet: object): boolean {
    return this.#held.has(packet);
  }

  release(packet: object): void {
    this.#held.release(packet);
  }

  giveBack(packet: object): void {
    this.#held.giveBack(packet);
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #add(server: EventServer): void {
    this.#servers.push(server);
    const isShared = this.#strata?.isShared ?? false;
    for (const [kind, message] of checkServer(server, isShared, this.#options.onFailure !== undefined)) {
      this.#log.warn(kind, message);
    }
    if (this.#strata === undefined) return;
    const { onReconnect } = this.#options;
    const clears = onReconnect === 'clear' || (onReconnect === 'auto' && !isShared);
    this.#subscriptions.push(
      watchConnections(server, this.#names, (subscribed) => {
        if (server.transportId === Transport.MQTT) this.#held.hold(server);
        if (!clears) return;
        // Called here and not by the room: memory is dropped before anybody reads from it again.
        const cleared = this.#clear(transportName(server), subscribed);
        this.#background.run('events.clear', () => cleared);
      }),
    );
  }

  /**
   * Twice: at once, for what was missed while the transport was away, and again when the broker has confirmed the subscription.
   * 1. reader: loads v1, after the first clear. 2. writer: commits v2, publishes; the broker does not know us yet. 3. broker: takes our
   * subscription. Without the second clear v1 would stay.
   */
  async #clear(transport: string, subscribed: () => Promise<void>): Promise<void> {
    this.#stats.add('cleared');
    this.#log.debug('cleared', eventMessages.cleared(transport));
    await this.#strata?.clear();
    await subscribed();
    await this.#strata?.clear();
  }
}

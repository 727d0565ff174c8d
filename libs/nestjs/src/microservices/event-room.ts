import { Inject, Injectable, Optional } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { Background, CacheConfigError, Strata, systemClock } from '@strata-cache/core';
import { packageName } from '../package-name.js';
import { openClients, type OpenedClient } from './event-clients.js';
import { EventLog } from './event-log.js';
import { eventMessages } from './event-messages.js';
import { EventReceiver } from './event-receiver.js';
import { EventServers } from './event-servers.js';
import { EventTally } from './event-stats.js';
import {
  resolveEventsOptions,
  type CacheEventsExtras,
  type CacheEventsOptions,
  type ResolvedEventsOptions,
} from './cache-events-options.js';
import { CACHE_EVENTS_OPTIONS, EVENT_EXTRAS } from './event-tokens.js';
import { Outgoing } from './outgoing.js';

/** ms that work under way may take to end at shutdown. */
const DRAIN_LIMIT = 2_000;

/** Everything that one `CacheEventsModule` consists of, put together once. */
@Injectable()
export class EventRoom {
  readonly limits: ResolvedEventsOptions;
  readonly stats: EventTally;
  readonly source: string;
  readonly receiver: EventReceiver;
  readonly servers: EventServers;
  readonly outgoing: readonly Outgoing[];
  readonly #clients: readonly OpenedClient[];
  readonly #background: Background;

  /** @throws CacheConfigError for wrong options, and for caches that no engine reaches */
  constructor(
    @Inject(CACHE_EVENTS_OPTIONS) options: CacheEventsOptions | undefined,
    @Inject(EVENT_EXTRAS) { caches = [], transport }: CacheEventsExtras,
    @Optional() @Inject(Strata) engine: Strata | undefined,
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(ModulesContainer) container: ModulesContainer,
  ) {
    const limits = resolveEventsOptions(options);
    // A test may have replaced the engine by a stand-in: nothing is cached then, so there is nothing to clear.
    const strata = engine instanceof Strata ? engine : undefined;
    if (caches.length > 0 && engine === undefined) throw new CacheConfigError(eventMessages.noEngine());
    const log = new EventLog(strata);
    this.limits = limits;
    this.stats = new EventTally(strata);
    this.source = limits.source ?? strata?.namespace ?? packageName() ?? 'app';
    this.#background = new Background({
      notice: ({ name, message }) => log.debug(name.replace('events.', ''), message),
    });
    this.receiver = new EventReceiver(strata, { ...limits, ...limits.retry, caches }, this.stats, log);
    this.servers = new EventServers(
      container,
      strata,
      { caches, transport },
      limits,
      this.#background,
      this.stats,
      log,
    );
    this.#clients = openClients(limits.client, modules);
    this.outgoing = this.#clients.map(
      ({ client }) =>
        new Outgoing(client, limits, this.#background, this.stats, log, (event, error) =>
          this.#background.run('events.overflow', () =>
            this.receiver.tell({ reason: 'overflow', envelope: event.envelope, error }),
          ),
        ),
    );
    // Now, so that two definitions of one name fail the boot.
    for (const definition of caches) strata?.cache(definition);
  }

  open(): void {
    for (const one of this.outgoing) one.connect();
  }

  async close(): Promise<void> {
    this.servers.close();
    this.receiver.close();
    await Promise.all(this.outgoing.map((one) => one.close()));
    await this.#background.drain(systemClock, DRAIN_LIMIT);
    // Who opens a connection closes it; a client that was given belongs to whoever made it.
    await Promise.allSettled(
      this.#clients.filter(({ own }) => own).map(async ({ client }) => client.close() as unknown),
    );
  }
}

import { Transport } from '@nestjs/microservices';
import type { Observable, Subscription } from 'rxjs';

/** What is used of a Nest transport server; custom strategies have less of it. */
export interface EventServer {
  readonly transportId?: Transport | symbol | undefined;
  readonly options?: Record<string, any> | undefined;
  readonly status?: Observable<string> | undefined;
  on?(event: string, listener: (...args: any[]) => void): unknown;
  unwrap?(): unknown;
}

/** The name of a transport, for people. */
export function transportName({ transportId }: EventServer): string {
  if (typeof transportId === 'number') return Transport[transportId];
  return transportId === undefined ? 'a custom transport' : String(transportId.description ?? 'a custom transport');
}

/** The client of the broker inside a server; of Redis, the one that subscribes. */
export function connectionOf(server: EventServer): unknown {
  const inside = server.unwrap?.();
  return server.transportId === Transport.REDIS ? (inside as unknown[])[1] : inside;
}

/** The raw AMQP channel of a server, which is what Nest hands to handlers. */
export function channelOf(server: EventServer): unknown {
  return (wrapperOf(server) as { _channel?: unknown } | undefined)?._channel;
}

function wrapperOf(server: EventServer): { waitForConnect(): Promise<void> } | undefined {
  return (server as { channel?: { waitForConnect(): Promise<void> } | null }).channel ?? undefined;
}

/**
 * Tells of every connection of a server, the first included. `subscribed` resolves when the broker has confirmed that it delivers to us, as
 * far as the transport has a way to ask.
 */
export function watchConnections(
  server: EventServer,
  names: readonly string[],
  onConnected: (subscribed: () => Promise<void>) => void,
): Pick<Subscription, 'unsubscribe'> {
  const subscribed = (): Promise<void> => confirm(server, names);
  if (server.transportId === Transport.REDIS) {
    // Not the status: it joins the states of two connections, and the second to be ready may be the one that subscribes.
    server.on?.('ready', (which: string) => {
      if (which === 'sub') onConnected(subscribed);
    });
    return SILENT;
  }
  if (server.transportId === Transport.TCP) {
    // The server is never away; a peer that comes back may have lost what it sent last.
    server.on?.('connection', () => onConnected(subscribed));
    return SILENT;
  }
  const status = server.status?.subscribe((state) => {
    if (state === 'connected') onConnected(subscribed);
  });
  return status ?? SILENT;
}

const SILENT = { unsubscribe: (): void => undefined };

async function confirm(server: EventServer, names: readonly string[]): Promise<void> {
  // Nest announces the connection before it subscribes.
  await new Promise<void>((resolve) => setImmediate(resolve));
  switch (server.transportId) {
    case Transport.REDIS: {
      // Again the same names: harmless, and answered after the subscriptions that were sent before.
      const client = connectionOf(server) as Record<'subscribe' | 'psubscribe', (...all: string[]) => Promise<unknown>>;
      await client[server.options?.wildcards === true ? 'psubscribe' : 'subscribe'](...names);
      return;
    }
    case Transport.NATS:
      await (connectionOf(server) as { flush(): Promise<void> }).flush();
      return;
    case Transport.RMQ:
      await wrapperOf(server)?.waitForConnect();
      return;
    case Transport.MQTT: {
      const client = connectionOf(server) as { subscribeAsync(all: string[], options?: object): Promise<unknown> };
      await client.subscribeAsync([...names], server.options?.subscribeOptions as object | undefined);
      return;
    }
    default:
  }
}

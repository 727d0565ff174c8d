import {
  ClientKafka,
  ClientMqtt,
  ClientNats,
  ClientRedis,
  ClientRMQ,
  ClientTCP,
  MqttRecordBuilder,
  RmqRecordBuilder,
  type ClientProxy,
} from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { EventEnvelope } from './envelope.js';

/** An event on its way to the broker. */
export interface DepartingEvent {
  readonly envelope: EventEnvelope;
  /** Of the Kafka message: events of one key stay in order. */
  readonly key: string | undefined;
}

/**
 * Hands an event to the broker and resolves when it has it, as far as the transport can tell; each in the form that loses least
 * (docs/transports.md). Nest rejects with a string while it reconnects; this rejects with an Error.
 */
export async function sendEvent(client: ClientProxy, event: DepartingEvent): Promise<void> {
  try {
    await transmit(client, event);
  } catch (error) {
    throw error instanceof Error ? error : new Error(describe(error));
  }
}

async function transmit(client: ClientProxy, { envelope, key }: DepartingEvent): Promise<void> {
  const { type } = envelope;
  if (client instanceof ClientTCP) {
    // `emit` over TCP is written to a socket and forgotten. A request is answered by the same handler, once it is done.
    try {
      await lastValueFrom(client.send(type, envelope), NOTHING);
    } catch (error) {
      // Nobody there has a handler: the event concerns no cache of that service, and never will.
      if (!describe(error).startsWith(NO_HANDLER)) throw error;
    }
    return;
  }
  await lastValueFrom(client.emit(type, dressed(client, envelope, key)), NOTHING);
  if (client instanceof ClientNats) {
    // A publish is a write to a buffer; the answer to this ping comes after the server has read it.
    await client.unwrap<{ flush(): Promise<void> }>().flush();
  }
}

function dressed(client: ClientProxy, envelope: EventEnvelope, key: string | undefined): unknown {
  if (client instanceof ClientRMQ) {
    return new RmqRecordBuilder(envelope).setOptions({ persistent: true, messageId: envelope.id }).build();
  }
  if (client instanceof ClientMqtt) return new MqttRecordBuilder(envelope).setQoS(1).build();
  if (client instanceof ClientKafka && key !== undefined) return { key, value: envelope };
  return envelope;
}

/**
 * How long to wait with what has been waiting once the broker is back, ms: where it keeps nothing for who is away, consumers need a moment to
 * return as well.
 */
export function resumeDelay(client: ClientProxy): number {
  return client instanceof ClientNats || client instanceof ClientRedis ? 500 : 0;
}

const NOTHING = { defaultValue: undefined };

/** How Nest answers a request for which it has no handler. */
const NO_HANDLER = 'There is no matching message handler';

function describe(error: unknown): string {
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : JSON.stringify(error);
}

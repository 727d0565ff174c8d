import { KafkaContext, MqttContext, RmqContext, TcpContext } from '@nestjs/microservices';

/** How one received event is settled with the broker it came from. */
export interface Delivery {
  /** The broker keeps the event until it is settled, so it may be held while the second tier is away. */
  readonly isHeld: boolean;
  /** Done with: the broker forgets it. */
  accept(): void;
  /** Given up: to the dead letters of the broker, where it has some. */
  reject(): void;
  /** Not done: the broker delivers it again. Throws where an error is how the transport is told. */
  giveBack(): void;
  /** Called while it is held. */
  keepAlive(): Promise<void>;
}

/** What the transport servers know about a message and Nest's context does not say. */
export interface DeliveryFacts {
  /** Whether messages of this AMQP channel are to be acknowledged. */
  needsAck(channel: unknown): boolean;
  /** Whether the acknowledgement of an MQTT packet waits for us. */
  isHolding(packet: object): boolean;
  /** Acknowledges it. */
  release(packet: object): void;
  /** Has the broker deliver it again. */
  giveBack(packet: object): void;
}

const nothing = (): void => undefined;
const FORGOTTEN: Delivery = {
  isHeld: false,
  accept: nothing,
  reject: nothing,
  giveBack: nothing,
  keepAlive: async () => undefined,
};

/** @param acknowledge false: the application acknowledges by itself */
export function deliveryOf(context: unknown, facts: DeliveryFacts, acknowledge: boolean): Delivery {
  if (context instanceof RmqContext) {
    const channel = context.getChannelRef() as AmqpChannel;
    return acknowledge && facts.needsAck(channel) ? byAmqp(channel, context.getMessage()) : FORGOTTEN;
  }
  if (context instanceof MqttContext) {
    const packet = context.getPacket();
    const accept = (): void => facts.release(packet);
    return {
      ...FORGOTTEN,
      isHeld: facts.isHolding(packet),
      accept,
      reject: accept,
      giveBack: () => facts.giveBack(packet),
    };
  }
  if (context instanceof KafkaContext) {
    const giveBack = (): never => {
      throw new Error('the second tier did not acknowledge the invalidation; the offset stays');
    };
    return { ...FORGOTTEN, isHeld: true, giveBack, keepAlive: () => context.getHeartbeat()() };
  }
  if (context instanceof TcpContext) {
    const giveBack = (): never => {
      throw new Error('the second tier did not acknowledge the invalidation; send the event again');
    };
    return { ...FORGOTTEN, giveBack };
  }
  return FORGOTTEN;
}

interface AmqpChannel {
  ack(message: object): void;
  nack(message: object, allUpTo: boolean, requeue: boolean): void;
}

function byAmqp(channel: AmqpChannel, message: object): Delivery {
  const settle = (how: () => void): void => {
    try {
      how();
    } catch {
      // The channel is gone, and with it the right to settle: the broker delivers the message again.
    }
  };
  return {
    isHeld: true,
    accept: () => settle(() => channel.ack(message)),
    reject: () => settle(() => channel.nack(message, false, false)),
    giveBack: () => settle(() => channel.nack(message, false, true)),
    keepAlive: async () => undefined,
  };
}

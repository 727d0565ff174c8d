import { Controller, Inject, type Type } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { deliveryOf } from './delivery.js';
import { EventRoom } from './event-room.js';

/**
 * Makes a controller with a handler for each event. A class of its own for every module: Nest reads the patterns from the methods
 * when it registers the module, before any factory has run.
 */
export function eventsController(names: readonly string[], transport: number | symbol | undefined): Type<unknown> {
  @Controller()
  class CacheEventsController {
    readonly #room: EventRoom;

    constructor(@Inject(EventRoom) room: EventRoom) {
      this.#room = room;
    }

    static handlerOf(name: string) {
      return async function (this: CacheEventsController, data: unknown, context: unknown): Promise<void> {
        const { receiver, servers, limits } = this.#room;
        await receiver.receive(name, data, deliveryOf(context, servers, limits.acknowledge));
      };
    }
  }
  const { prototype } = CacheEventsController;
  for (const name of names) {
    const method = `on ${name}`;
    const descriptor = { value: CacheEventsController.handlerOf(name), writable: true, configurable: true };
    Object.defineProperty(prototype, method, descriptor);
    Payload()(prototype, method, 0);
    Ctx()(prototype, method, 1);
    EventPattern(name, transport as symbol)(prototype, method, descriptor);
  }
  return CacheEventsController;
}

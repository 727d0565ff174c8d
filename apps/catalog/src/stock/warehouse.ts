import { Injectable } from '@nestjs/common';

/**
 * Stands for the system of the warehouse, a second or two away over a network. It is why a reservation needs a lock:
 * between reading the stock and writing it somebody is asked who takes no part in the database's transaction. Were it not
 * for that, one conditional update would do.
 */
@Injectable()
export class Warehouse {
  /** Whether the shelf really holds that many. `signal`: the answer is of no use any more. */
  async confirm(_productId: string, _quantity: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return true;
  }
}

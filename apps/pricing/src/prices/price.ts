/** A price as the service tells it. */
export interface Price {
  readonly productId: string;
  /** Whole cents. */
  readonly priceCents: number;
  /** Rises with every change of this price. */
  readonly version: number;
  /** ISO 8601. */
  readonly changedAt: string;
}

/** The payload of `price.changed`. It says which price, not what it is now: whoever wants to know asks, and gets the newest. */
export interface PriceChanged {
  readonly productId: string;
}

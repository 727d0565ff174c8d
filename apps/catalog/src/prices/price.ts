import { ApiProperty } from '@nestjs/swagger';

/** What the pricing service answers to `price.get`. */
export interface Price {
  readonly productId: string;
  readonly priceCents: number;
  readonly version: number;
  readonly changedAt: string;
}

/** What it says when a price has changed. */
export interface PriceChanged {
  readonly productId: string;
}

/** The price of a product as the API shows it. */
export class ShownPrice {
  @ApiProperty({ example: '42' })
  readonly productId: string;

  @ApiProperty({ description: 'Whole cents', example: 12_900 })
  readonly priceCents: number;

  @ApiProperty({
    enum: ['pricing', 'catalog'],
    description: "Who says so; 'catalog': the price the product was listed at",
  })
  readonly source: 'pricing' | 'catalog';
}

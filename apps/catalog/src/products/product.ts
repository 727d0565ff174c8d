import { ApiProperty } from '@nestjs/swagger';

/** A product as the API shows it: plain data, so the cache needs no `hydrate`. The class exists for the OpenAPI page. */
export class Product {
  @ApiProperty({ example: '42' })
  readonly id: string;

  @ApiProperty({ example: 'Nordic Bamboo Rain Barrel' })
  readonly name: string;

  @ApiProperty()
  readonly description: string;

  @ApiProperty({ example: 'garden' })
  readonly categoryId: string;

  @ApiProperty({ description: 'Whole cents', example: 12_900 })
  readonly priceCents: number;

  @ApiProperty({ description: 'The price before any reduction, whole cents', example: 14_900 })
  readonly listPriceCents: number;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly updatedAt: string;

  @ApiProperty({ description: 'Rises with every change', example: 1 })
  readonly version: number;
}

export class ProductPage {
  @ApiProperty()
  readonly page: number;

  @ApiProperty({ description: 'Products on all pages together' })
  readonly total: number;

  @ApiProperty({ type: [Product] })
  readonly items: readonly Product[];
}

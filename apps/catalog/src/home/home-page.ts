import { ApiProperty } from '@nestjs/swagger';
import { Category } from '../categories/category.js';
import { Product } from '../products/product.js';
import { TopRated } from '../reviews/review.js';

export class Reviewer {
  @ApiProperty({ example: '7' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty()
  readonly reviews: number;
}

export class HomePage {
  @ApiProperty({ type: [Category] })
  readonly categories: readonly Category[];

  @ApiProperty({ type: [Product], description: 'The newest products' })
  readonly newest: readonly Product[];

  @ApiProperty({ type: [Product], description: 'The deepest reductions' })
  readonly reduced: readonly Product[];

  @ApiProperty({ type: [TopRated] })
  readonly topRated: readonly TopRated[];

  @ApiProperty({ type: [Reviewer], description: 'Who wrote most' })
  readonly reviewers: readonly Reviewer[];
}

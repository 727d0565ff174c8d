import { ApiProperty } from '@nestjs/swagger';

export class Review {
  @ApiProperty()
  readonly id: string;

  @ApiProperty({ example: '42' })
  readonly productId: string;

  @ApiProperty({ example: 'Ada Lund' })
  readonly customer: string;

  @ApiProperty({ minimum: 1, maximum: 5 })
  readonly rating: number;

  @ApiProperty()
  readonly body: string;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;
}

export class ReviewSummary {
  @ApiProperty({ example: '42' })
  readonly productId: string;

  @ApiProperty({ description: 'How many reviews' })
  readonly count: number;

  @ApiProperty({ description: 'Mean rating; null without reviews', nullable: true, type: Number })
  readonly average: number | null;

  @ApiProperty({
    description: 'Place among the products of its category; null without reviews',
    nullable: true,
    type: Number,
  })
  readonly rank: number | null;

  @ApiProperty({ description: 'How many products of the category have reviews' })
  readonly ranked: number;
}

export class TopRated {
  @ApiProperty({ example: '42' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty()
  readonly categoryId: string;

  @ApiProperty({
    description: 'Rating weighted against the mean of all reviews, so that one enthusiast does not top the list',
  })
  readonly score: number;

  @ApiProperty()
  readonly reviews: number;
}

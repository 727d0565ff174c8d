import { ApiProperty } from '@nestjs/swagger';
import { Review } from '../reviews/review.js';

/** What one customer sees of himself, and nobody else. */
export class Account {
  @ApiProperty({ example: '7' })
  readonly id: string;

  @ApiProperty({ example: 'Ada Lund' })
  readonly name: string;

  @ApiProperty({ example: 'NO' })
  readonly country: string;

  @ApiProperty({ type: [Review], description: 'The latest ten' })
  readonly reviews: readonly Review[];
}

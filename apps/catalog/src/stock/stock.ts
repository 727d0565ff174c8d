import { ApiProperty } from '@nestjs/swagger';

export class Stock {
  @ApiProperty({ example: '42' })
  readonly productId: string;

  @ApiProperty({ description: 'How many can still be reserved', example: 12 })
  readonly available: number;

  @ApiProperty({ description: 'How many are reserved', example: 3 })
  readonly reserved: number;
}

export class Reservation {
  @ApiProperty()
  readonly id: string;

  @ApiProperty({ example: '42' })
  readonly productId: string;

  @ApiProperty({ example: 2 })
  readonly quantity: number;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;
}

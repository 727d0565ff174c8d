import { ApiProperty } from '@nestjs/swagger';

export class Category {
  @ApiProperty({ example: 'kitchen' })
  readonly id: string;

  @ApiProperty({ example: 'Kitchen' })
  readonly name: string;

  @ApiProperty()
  readonly description: string;

  @ApiProperty({ description: 'How many products stand in it', example: 625 })
  readonly products: number;
}

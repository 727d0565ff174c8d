import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

export class Reserve {
  @ApiProperty({ minimum: 1, maximum: 100, example: 2 })
  @IsInt()
  @Min(1)
  @Max(100)
  readonly quantity: number;
}

export class Restock {
  @ApiProperty({ description: 'How many can be reserved from now on', minimum: 0, maximum: 1_000_000, example: 20 })
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  readonly available: number;
}

import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsString, Length, Max, Min } from 'class-validator';

export class AddReview {
  @ApiProperty({ example: '7' })
  @IsString()
  @Length(1, 64)
  readonly customerId: string;

  @ApiProperty({ minimum: 1, maximum: 5, example: 5 })
  @IsInt()
  @Min(1)
  @Max(5)
  readonly rating: number;

  @ApiProperty({ minLength: 5, maxLength: 2_000, example: 'Well made and quiet.' })
  @IsString()
  @Length(5, 2_000)
  readonly body: string;
}

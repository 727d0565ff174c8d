import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

export class SearchQuery {
  /**
   * Brought into one form before it becomes a key: 'Oak', ' oak ' and 'OAK' are one search and shall be one entry.
   */
  @ApiProperty({ minLength: 2, maxLength: 60, example: 'oak lamp' })
  @Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase().replace(/\s+/g, ' ') : value))
  @IsString()
  @Length(2, 60)
  readonly q: string;

  @ApiProperty({ required: false, example: 'office' })
  @IsOptional()
  @IsString()
  @Length(1, 40)
  readonly category?: string;

  @ApiProperty({ required: false, default: 1, minimum: 1, maximum: 50 })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(50)
  readonly page: number = 1;
}

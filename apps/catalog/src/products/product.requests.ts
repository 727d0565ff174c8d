import { ApiProperty, PartialType, PickType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Length, Matches, Max, Min } from 'class-validator';

const NO_MARGINS = { message: '$property must not begin or end with a space' };

export class CreateProduct {
  @ApiProperty({ minLength: 2, maxLength: 120, example: 'Quiet Oak Kettle' })
  @IsString()
  @Length(2, 120)
  @Matches(/^\S(.*\S)?$/, NO_MARGINS)
  readonly name: string;

  @ApiProperty({ minLength: 10, maxLength: 2_000 })
  @IsString()
  @Length(10, 2_000)
  readonly description: string;

  @ApiProperty({ example: 'kitchen' })
  @IsString()
  @Length(1, 40)
  readonly categoryId: string;

  @ApiProperty({ description: 'Whole cents', minimum: 1, maximum: 10_000_000, example: 4_900 })
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  readonly priceCents: number;
}

/** Any of the three, at least one. */
export class ChangeProduct extends PartialType(PickType(CreateProduct, ['name', 'priceCents', 'categoryId']), {
  // Left out means "as it is"; null is refused like any other wrong value.
  skipNullProperties: false,
}) {}

export class ProductPageQuery {
  @ApiProperty({ example: 'kitchen' })
  @IsString()
  @Length(1, 40)
  readonly category: string;

  @ApiProperty({ required: false, default: 1, minimum: 1, maximum: 1_000 })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  readonly page: number = 1;
}

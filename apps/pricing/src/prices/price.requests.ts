import { IsInt, IsString, Length, Max, Min } from 'class-validator';

export class PriceOf {
  @IsString()
  @Length(1, 100)
  readonly productId: string;
}

export class NewPrice {
  /** Whole cents. */
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  readonly priceCents: number;
}

export class ChangePrice extends NewPrice {
  @IsString()
  @Length(1, 100)
  readonly productId: string;
}

import { ApiProperty } from '@nestjs/swagger';

export class Found {
  @ApiProperty({ example: '42' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty()
  readonly categoryId: string;

  @ApiProperty()
  readonly priceCents: number;

  @ApiProperty({ description: 'How many reviews mention the words' })
  readonly mentions: number;
}

export class SearchResult {
  @ApiProperty({ description: 'The words as they were understood' })
  readonly q: string;

  @ApiProperty()
  readonly total: number;

  @ApiProperty({ type: [Found] })
  readonly items: readonly Found[];
}

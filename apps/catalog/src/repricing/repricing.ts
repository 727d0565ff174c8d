import { ApiProperty } from '@nestjs/swagger';

/** How far the re-pricing of one night has come. */
export class Repricing {
  @ApiProperty({ description: 'The date of the night, UTC', example: '2026-11-20' })
  readonly night: string;

  @ApiProperty({ description: 'How many products became cheaper', example: 312 })
  readonly repriced: number;

  @ApiProperty({ format: 'date-time' })
  readonly startedAt: string;

  @ApiProperty({ description: 'Null while it is under way, or was interrupted', format: 'date-time', nullable: true })
  readonly finishedAt: string | null;
}

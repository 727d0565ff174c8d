import { Controller, Get, Req, UnauthorizedException, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { HttpCache } from '@strata-cache/nestjs';
import { Account } from './account.js';
import { AccountRepository } from './account.repository.js';
import { CustomerGuard, type CustomerRequest } from './customer.guard.js';

@ApiTags('account')
@ApiBearerAuth()
@Controller('account')
@UseGuards(CustomerGuard)
export class AccountController {
  readonly #accounts: AccountRepository;

  constructor(accounts: AccountRepository) {
    this.#accounts = accounts;
  }

  /** Pattern: private page. The customer's own browser keeps it and asks each time; nobody on the way does. */
  @Get()
  @HttpCache()
  @ApiOkResponse({ type: Account })
  @ApiUnauthorizedResponse()
  async page(@Req() request: CustomerRequest): Promise<Account> {
    const account = await this.#accounts.find(request.user?.id ?? '');
    if (!account) throw new UnauthorizedException('There is no such customer');
    return account;
  }
}

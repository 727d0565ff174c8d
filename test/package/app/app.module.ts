import { ClassSerializerInterceptor, Controller, Get, Module, Param, UseInterceptors } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { CacheEventsModule } from '@strata-cache/nestjs/microservices';
import { Account, accountCache, accountPageCache } from './account.js';
import { AccountService } from './account.service.js';

@Controller('accounts')
@UseInterceptors(ClassSerializerInterceptor)
export class AccountController {
  readonly #accounts: AccountService;

  constructor(accounts: AccountService) {
    this.#accounts = accounts;
  }

  @Get(':id')
  find(@Param('id') id: string): Promise<Account> {
    return this.#accounts.find(id);
  }
}

@Module({
  imports: [
    CacheModule.forRoot({ namespace: 'smoke' }),
    CacheModule.forFeature([accountCache, accountPageCache]),
    CacheEventsModule.forRoot({ caches: [accountCache] }),
  ],
  controllers: [AccountController],
  providers: [AccountService],
})
export class AppModule {}

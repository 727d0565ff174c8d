import { Injectable } from '@nestjs/common';
import { Cacheable, CacheEvict } from '@strata-cache/nestjs';
import { Account, accountCache, accountPageCache, type AccountPage } from './account.js';

@Injectable()
export class AccountService {
  readonly loads = { account: 0, page: 0, greeting: 0 };
  #email = 'ada@example.org';

  @Cacheable(accountCache)
  async find(id: string): Promise<Account> {
    this.loads.account++;
    return this.#fromDatabase(id);
  }

  @Cacheable(accountPageCache)
  async page(page: number): Promise<AccountPage> {
    this.loads.page++;
    return { accounts: [this.#fromDatabase(`page-${page}`)] };
  }

  @Cacheable({ ttl: '1m', key: (name: string) => name })
  async greet(name: string): Promise<string> {
    this.loads.greeting++;
    return `Hello ${name}`;
  }

  @CacheEvict(accountCache, { args: (id) => id })
  async changeEmail(_id: string, email: string): Promise<void> {
    this.#email = email;
  }

  #fromDatabase(id: string): Account {
    const roles = ['reader'];
    const since = new Date('2020-02-29T00:00:00Z');
    return Object.assign(new Account(), { id, email: this.#email, roles, since, passwordHash: 'secret-hash' });
  }
}

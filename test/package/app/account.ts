import { defineCache, hydrateAs } from '@strata-cache/nestjs';
import { Exclude } from 'class-transformer';

/** As an ORM hands it out: an instance with methods, and a field that must never leave the server. */
export class Account {
  id!: string;
  email!: string;
  roles!: string[];
  since!: Date;

  @Exclude()
  passwordHash!: string;

  label(): string {
    return `${this.id} <${this.email}>`;
  }
}

export interface AccountPage {
  readonly accounts: readonly Account[];
}

export const accountCache = defineCache<[id: string], Account>({
  name: 'account',
  version: 1,
  owner: 'AccountService',
  key: (id) => id,
  ttl: '5m',
  hydrate: hydrateAs(Account),
  invalidatedBy: { 'account.changed': (event: { readonly id: string }) => ({ keys: [event.id] }) },
});

/** The same entities without `hydrate`: the engine must not store what it cannot bring back. */
export const accountPageCache = defineCache<[page: number], AccountPage>({
  name: 'account-page',
  version: 1,
  owner: 'AccountService',
  key: (page) => page,
  ttl: '5m',
});

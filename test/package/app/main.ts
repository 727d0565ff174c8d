import 'reflect-metadata';
import { setImmediate } from 'node:timers/promises';
import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createStrata, defineCache } from '@strata-cache/core';
import { CacheEvents } from '@strata-cache/nestjs/microservices';
import { Account, type AccountPage } from './account.js';
import { AccountService } from './account.service.js';
import { AppModule } from './app.module.js';

class Warnings extends ConsoleLogger {
  readonly texts: string[] = [];

  override warn(message: unknown): void {
    this.texts.push(String(message));
  }

  override log(): void {}
}

/** The libraries as a user without Nest meets them. */
async function engineAlone(): Promise<unknown> {
  const strata = createStrata({ namespace: 'smoke-engine' });
  const cache = strata.cache(
    defineCache<[id: string], string>({ name: 'alone', version: 1, owner: 'smoke', key: (id) => id, ttl: '1m' }),
  );
  let loads = 0;
  const load = async (): Promise<string> => `value ${++loads}`;
  const values = await Promise.all([cache.getOrSet('a', load), cache.getOrSet('a', load)]);
  await strata.close();
  return { loads, values };
}

async function overHttp(app: INestApplication, accounts: AccountService): Promise<unknown> {
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/accounts/http`;
  const miss = await (await fetch(url)).json();
  const hit = await (await fetch(url)).json();
  return { miss, hit, loads: accounts.loads.account };
}

/** Nested data of a cached instance is frozen: changing it may throw, but must never succeed for the next reader. */
function attempt(change: () => unknown): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function entities(accounts: AccountService): Promise<unknown> {
  const first = await accounts.find('1');
  const second = await accounts.find('1');
  for (const one of [first, second]) {
    attempt(() => (one.email = 'mallory@example.org'));
    attempt(() => one.roles.push('admin'));
    attempt(() => one.since.setFullYear(1999));
  }
  const third = await accounts.find('1');
  const seen = { email: third.email, roles: third.roles, since: third.since.toISOString() };
  const before = accounts.loads.account;
  await accounts.changeEmail('1', 'countess@example.org');
  const fresh = await accounts.find('1');
  return {
    isInstance: [first, second, third].map((one) => one instanceof Account),
    label: third.label(),
    seen,
    afterEvict: { email: fresh.email, loads: accounts.loads.account - before },
  };
}

/** An entry of its own, with its optional peer. */
async function events(app: INestApplication, accounts: AccountService): Promise<unknown> {
  await accounts.find('event');
  const before = accounts.loads.account;
  const answer = await app.get(CacheEvents).emit('account.changed', { id: 'event' });
  await accounts.find('event');
  return { answer, loads: accounts.loads.account - before };
}

async function unstorable(accounts: AccountService, warnings: Warnings): Promise<unknown> {
  const pages: AccountPage[] = [];
  for (const page of [1, 1, 2]) {
    pages.push(await accounts.page(page));
    // Storing never delays an answer, so the flight ends a little later; a read in the same turn would still join it.
    await setImmediate();
  }
  return {
    labels: pages.map((page) => page.accounts[0]?.label()),
    loads: accounts.loads.page,
    warnings: warnings.texts,
  };
}

async function main(): Promise<void> {
  const logger = new Warnings();
  const app = await NestFactory.create(AppModule, { logger });
  const accounts = app.get(AccountService);
  const report = {
    engine: await engineAlone(),
    http: await overHttp(app, accounts),
    entities: await entities(accounts),
    events: await events(app, accounts),
    unstorable: await unstorable(accounts, logger),
    greetings: [await accounts.greet('Ada'), await accounts.greet('Ada'), accounts.loads.greeting],
    moduleSystem: typeof require === 'function' ? 'commonjs' : 'esm',
  };
  await app.close();
  console.log(JSON.stringify(report));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

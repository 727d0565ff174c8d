import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '../settings.js';
import { PricingDatabase } from './pricing-database.js';

@Global()
@Module({})
export class DatabaseModule {
  static forRoot(settings: Settings): DynamicModule {
    const provider = { provide: PricingDatabase, useFactory: () => openDatabase(settings) };
    return { module: DatabaseModule, providers: [provider], exports: [provider] };
  }
}

async function openDatabase(settings: Settings): Promise<PricingDatabase> {
  const database = new PricingDatabase(settings);
  try {
    await database.setUp();
    return database;
  } catch (error) {
    // Nest never got the instance, so none of its hooks would close it.
    await database.onApplicationShutdown();
    throw error;
  }
}

import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '../settings.js';
import { CatalogDatabase } from './catalog-database.js';

@Global()
@Module({})
export class DatabaseModule {
  /** Opens the database, creates what is missing and seeds once, before any other module starts. */
  static forRoot(settings: Settings): DynamicModule {
    const provider = { provide: CatalogDatabase, useFactory: () => openDatabase(settings) };
    return { module: DatabaseModule, providers: [provider], exports: [provider] };
  }
}

async function openDatabase(settings: Settings): Promise<CatalogDatabase> {
  const database = new CatalogDatabase(settings);
  try {
    await database.setUp(settings.seedProducts);
    return database;
  } catch (error) {
    // Nest never got the instance, so none of its hooks would close the thread or the pool.
    await database.onApplicationShutdown();
    throw error;
  }
}

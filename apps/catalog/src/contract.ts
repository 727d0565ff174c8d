import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CacheContract } from '@strata-cache/nestjs';
import { createApp } from './create-app.js';

/** The same from src/ and from dist/. */
const PAGE = fileURLToPath(new URL('../../../docs/contract.md', import.meta.url));

/** Reads the contract of this application's caches: it boots on an empty database of its own, without Redis and NATS. */
export async function readContract<Result>(read: (contract: CacheContract) => Result): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-contract-'));
  const settings = {
    port: 0,
    adapter: 'express',
    databaseUrl: undefined,
    databaseFile: join(folder, 'catalog.db'),
    redisUrl: undefined,
    seedProducts: 1,
    development: false,
  } as const;
  const app = await createApp(settings, ['error', 'fatal']);
  try {
    await app.init();
    return read(app.get(CacheContract));
  } finally {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// `npm run contract` runs this file; the test that compares imports it.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, await readContract((contract) => contract.toMarkdown()));
}

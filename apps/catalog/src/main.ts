import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { createApp } from './create-app.js';
import { readSettings } from './settings.js';

async function start(): Promise<void> {
  const settings = readSettings();
  const app = await createApp(settings, settings.development ? undefined : ['log', 'warn', 'error', 'fatal']);
  try {
    // Fastify listens on loopback only unless told otherwise, and a container is not reached through loopback.
    await app.listen(settings.port, '0.0.0.0');
  } catch (error) {
    // A taken port: without this the database's thread would keep a process alive that serves nobody.
    await app.close();
    throw error;
  }
  new Logger('Catalogue').log(`http://localhost:${settings.port} (${settings.adapter}), API at /docs`);
}

try {
  await start();
} catch (error) {
  new Logger('Catalogue').fatal(error instanceof Error ? error.message : error);
  // Not `exitCode`: the database's thread, opened before the failure, would keep a process alive that serves nobody.
  process.exit(1);
}

import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { createApp } from './create-app.js';
import { readSettings } from './settings.js';

async function start(): Promise<void> {
  const settings = readSettings();
  const app = await createApp(settings);
  try {
    await app.listen(settings.port, '0.0.0.0');
  } catch (error) {
    // A taken port: without this the relay would keep a process alive that serves nobody.
    await app.close();
    throw error;
  }
  new Logger('Pricing').log(
    `http://localhost:${settings.port}${settings.natsUrl === undefined ? '' : ', and messages'}`,
  );
}

try {
  await start();
} catch (error) {
  new Logger('Pricing').fatal(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

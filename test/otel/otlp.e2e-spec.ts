import 'reflect-metadata';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readSettings } from '../../apps/catalog/src/settings.js';
import { createApp } from '../../apps/catalog/src/create-app.js';
import { privateCatalogue } from '../e2e/catalog-settings.js';
import { stopAll } from '../support/process-keeper.js';
import { baseUrl } from './catalog-kit.js';

/** A collector that keeps what it is sent. */
describe('with OTEL_EXPORTER_OTLP_ENDPOINT the catalogue', () => {
  const received = new Map<string, string>();
  let collector: Server;

  beforeAll(async () => {
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url ?? '';
        received.set(path, (received.get(path) ?? '') + Buffer.concat(chunks).toString());
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    collector.closeAllConnections();
    collector.close();
    await stopAll();
  });

  it('sends metrics and spans there, the last ones when it closes', async () => {
    const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`;
    expect(readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint }).otlpEndpoint).toBe(otlpEndpoint);
    const app = await createApp(privateCatalogue({ otlpEndpoint, seedProducts: 10 }), false);
    const url = await baseUrl(app);
    expect((await fetch(`${url}/products/1`)).status).toBe(200);
    await app.close();
    expect([...received.keys()].sort()).toEqual(['/v1/metrics', '/v1/traces']);
    for (const text of ['"strata.lookups"', '"strata.load.duration.seconds"', '"catalog"']) {
      expect(received.get('/v1/metrics')).toContain(text);
    }
    for (const text of ['"GET /products/:id"', '"strata.read"', '"strata.load"', '"sql"', '"catalog"']) {
      expect(received.get('/v1/traces')).toContain(text);
    }
  });
});

import 'reflect-metadata';
import { createServer } from 'node:http';
import { CacheModule as ManagerModule, CacheInterceptor } from '@nestjs/cache-manager';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { strataModule } from '../contenders/strata.mjs';
import { valueOf } from '../contenders/keys.mjs';

const TTL = 3_600_000;
const KEEP_ALIVE = 72_000;

/** One server: `contender` says what stands in front of its handler, `platform` what below Nest. */
export async function prepare({ contender, platform, bytes }) {
  const body = { items: Array.from({ length: Math.round(bytes / 500) }, (_, at) => valueOf(`product-${at}`, 490)) };
  let handled = 0;
  const handle = () => {
    handled++;
    return body;
  };
  const { server, close } = contender === 'raw node:http' ? await raw(body) : await nest(contender, platform, handle);
  const { port } = server.address();
  return {
    about: { port },
    cpu: () => process.cpuUsage(),
    handled: () => handled,
    close,
  };
}

async function raw(body) {
  const bytes = Buffer.from(JSON.stringify(body));
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    response.end(bytes);
  });
  server.keepAliveTimeout = KEEP_ALIVE;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, close: () => server.close() };
}

async function nest(contender, platform, handle) {
  const { CacheModule, HttpCache, HttpCacheInterceptor } = await strataModule('nestjs');
  class Products {
    list() {
      return contender === 'empty handler' ? undefined : handle();
    }
  }
  const route = [Get('products')];
  const imports = [];
  switch (contender) {
    case 'CacheInterceptor':
      imports.push(ManagerModule.register({ ttl: TTL }));
      route.push(UseInterceptors(CacheInterceptor));
      break;
    case 'strata, early':
    case 'strata, interceptor':
      imports.push(
        CacheModule.forRoot({ namespace: 'bench', lint: 'off', http: { early: contender.endsWith('early') } }),
      );
      route.push(UseInterceptors(HttpCacheInterceptor), HttpCache({ scope: 'public', maxAge: TTL, store: true }));
      break;
    case 'strata, version':
    case 'strata, version, interceptor':
      imports.push(
        CacheModule.forRoot({ namespace: 'bench', lint: 'off', http: { early: contender.endsWith('version') } }),
      );
      route.push(UseInterceptors(HttpCacheInterceptor), HttpCache({ scope: 'public', version: () => 'v42' }));
      break;
  }
  const descriptor = Object.getOwnPropertyDescriptor(Products.prototype, 'list');
  for (const decorator of route) decorator(Products.prototype, 'list', descriptor);
  Controller()(Products);
  class App {}
  Module({ imports, controllers: [Products] })(App);
  const app = await NestFactory.create(App, await adapterOf(platform), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  // As long as Fastify's: connections stay open from one round to the next.
  app.getHttpServer().keepAliveTimeout = KEEP_ALIVE;
  return { server: app.getHttpServer(), close: () => app.close() };
}

async function adapterOf(platform) {
  if (platform === 'express') {
    const { ExpressAdapter } = await import('@nestjs/platform-express');
    return new ExpressAdapter();
  }
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return new FastifyAdapter();
}

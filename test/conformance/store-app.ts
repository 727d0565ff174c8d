import {
  All,
  BadGatewayException,
  Controller,
  Module,
  Req,
  Res,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { CacheModule, HttpCache } from '@strata-cache/nestjs';
import { ProxiedOrigin } from './proxied-origin.js';

export type Adapter = 'express' | 'fastify';

/** Each platform has a wildcard of its own. */
const EVERYTHING: Readonly<Record<Adapter, string>> = { express: '*path', fastify: '*' };

/**
 * An application whose only handler asks the suite's origin, so that what the suite tests is the store in front of that handler. The
 * store obeys what the origin's responses say about themselves.
 */
export async function storeApp(adapter: Adapter, origin: string): Promise<INestApplication> {
  const module = moduleOf(controllerOf(EVERYTHING[adapter], new ProxiedOrigin(origin)));
  const options = { logger: false, bodyParser: false, abortOnError: false } as const;
  if (adapter === 'express') return NestFactory.create<NestExpressApplication>(module, new VerbatimExpress(), options);
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), options);
  const fastify = app.getHttpAdapter().getInstance();
  // Bodies belong to the origin: nothing here parses them.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHttpMethod('M-SEARCH', { hasBody: true });
  return app;
}

/** Express writes a charset of its own into the Content-Type of text, and Nest makes JSON of bytes: neither is the suite's subject. */
class VerbatimExpress extends ExpressAdapter {
  override reply(response: any, body: unknown, status?: number): unknown {
    if (typeof body !== 'string') return super.reply(response, body, status);
    return response.status(status ?? response.statusCode).send(Buffer.from(body));
  }
}

function controllerOf(path: string, origin: ProxiedOrigin): Type {
  @Controller()
  class EverythingController {
    @All(path)
    @HttpCache({
      scope: 'public',
      store: { statuses: [200, 203, 204, 299, 301, 302, 303, 307, 308], grace: '1h' },
      // Statuses are the suite's subject: whatever the origin makes cacheable may be stored.
      errors: Object.fromEntries(ERRORS.map((status) => [status, {}])),
      // RFC 9111 section 3.5 decides about requests with credentials, as in a cache that stands by itself.
      shareAuthenticated: true,
    })
    async pass(@Req() request: any, @Res({ passthrough: true }) response: any): Promise<string> {
      const raw = request.raw ?? request;
      const answer = await origin.ask(raw).catch((cause: unknown) => {
        // Thrown and not a closed connection: a store can only cover for an error it sees.
        throw new BadGatewayException('the origin closed the connection', { cause });
      });
      response.status(answer.status);
      (response.raw ?? response).statusMessage = answer.reason;
      for (const [name, lines] of answer.headers) setHeader(response, name, lines);
      return answer.body;
    }
  }
  return EverythingController;
}

const ERRORS = [400, 403, 404, 405, 410, 414, 499, 500, 501, 502, 503, 504, 599];

/** On Fastify through the reply, which knows nothing of what is set behind its back. */
function setHeader(response: any, name: string, lines: readonly string[]): void {
  const value = lines.length === 1 ? lines[0] : [...lines];
  if (response.raw === undefined) response.setHeader(name, value);
  else response.header(name, value);
}

function moduleOf(controller: Type): Type {
  @Module({
    imports: [CacheModule.forRoot({ namespace: 'conformance', http: { global: true, honorRequestDirectives: true } })],
    controllers: [controller],
  })
  class StoreModule {}
  return StoreModule;
}

import {
  Controller,
  Get,
  Module,
  Param,
  Post,
  Req,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { CacheModule, HttpCache, Strata, type Purger, type PurgingOptions } from '@strata-cache/nestjs';
import type { Gate } from '@strata-cache/core/testing';
import session from 'express-session';

export type Adapter = 'express' | 'fastify';

/** A session's secret in a test. */
const SECRET = 'a secret of at least thirty-two characters';

/** Where the application runs, and how often its handlers did. */
export interface TwoUsers {
  readonly app: INestApplication;
  readonly port: number;
  readonly url: string;
  /** Handler runs by path, query included. */
  readonly runs: Map<string, number>;
  /** What the pages say; `POST /pages/:id` raises it. */
  readonly versions: Map<string, number>;
  /** Where `GET /gated/:id` waits, when there is one, after it has read the version. */
  readonly gates: Map<string, Gate>;
}

interface AnyRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly raw?: { readonly user?: string };
  readonly user?: string;
  session: { visits?: number };
}

/** Whoever the application takes the client for; each way is one that applications use. */
function nameOf(request: AnyRequest): string {
  const { authorization, cookie } = request.headers;
  const user = request.user ?? request.raw?.user;
  return authorization?.replace('Bearer ', '') ?? /\bsid=(\w+)/.exec(cookie ?? '')?.[1] ?? user ?? 'nobody';
}

export async function startTwoUsers(
  adapter: Adapter,
  purgers: readonly Purger[] = [],
  purging?: PurgingOptions,
): Promise<TwoUsers> {
  const runs = new Map<string, number>();
  const versions = new Map<string, number>();
  const gates = new Map<string, Gate>();
  const count = (request: AnyRequest): void => void runs.set(request.url, (runs.get(request.url) ?? 0) + 1);
  const versionOf = (id: string): number => versions.get(id) ?? 1;
  const idIn = (context: ExecutionContext): string =>
    context.switchToHttp().getRequest<{ params: { id: string } }>().params.id;

  @Controller()
  class TwoUsersController {
    readonly #strata: Strata;

    constructor(strata: Strata) {
      this.#strata = strata;
    }

    /** As careless as a handler can be: it is declared public, and shows who asks. */
    @Get('greeting/:case')
    @HttpCache({ scope: 'public', maxAge: '1m', store: true })
    greeting(@Req() request: AnyRequest): object {
      count(request);
      return { hello: nameOf(request) };
    }

    /** The cookie of the session is added when the head goes out, behind everybody's back. */
    @Get('session/:case')
    @HttpCache({ scope: 'public', maxAge: '1m', store: true })
    visit(@Req() request: AnyRequest): object {
      count(request);
      request.session.visits = (request.session.visits ?? 0) + 1;
      return { visits: request.session.visits };
    }

    @Get('account/:case')
    @HttpCache({ scope: 'private', maxAge: '1m' })
    account(@Req() request: AnyRequest): object {
      count(request);
      return { account: nameOf(request) };
    }

    /** Known by its version before it is made. */
    @Get('pages/:id')
    @HttpCache({
      scope: 'public',
      maxAge: '1m',
      version: (context) => versionOf(idIn(context)),
      tags: (context) => [`page:${idIn(context)}`, 'pages'],
    })
    page(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      return { id, version: versionOf(id) };
    }

    /** Fresh for a second only, so that a test can wait for it. */
    @Get('brief/:id')
    @HttpCache({ scope: 'public', maxAge: '1s', version: (context) => versionOf(idIn(context)) })
    brief(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      return { id, version: versionOf(id) };
    }

    @Get('revalidated/:id')
    @HttpCache({
      scope: 'public',
      maxAge: '1s',
      staleWhileRevalidate: '1m',
      version: (context) => versionOf(idIn(context)),
    })
    revalidated(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      return { id, version: versionOf(id) };
    }

    @Get('stored/:id')
    @HttpCache({ scope: 'public', maxAge: '1m', store: true, tags: (context) => [`page:${idIn(context)}`] })
    stored(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      return { id, version: versionOf(id) };
    }

    @Get('failing/:id')
    @HttpCache({ scope: 'public', maxAge: '1m' })
    failing(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      if (versionOf(id) === 1) throw new Error('down');
      return { id };
    }

    @Get('silent/:id')
    silent(@Param('id') id: string, @Req() request: AnyRequest): object {
      count(request);
      return { id, version: versionOf(id) };
    }

    @Get('gated/:id')
    @HttpCache({ scope: 'public', maxAge: '1h', tags: (context) => [`page:${idIn(context)}`] })
    async gated(@Param('id') id: string): Promise<object> {
      const version = versionOf(id);
      await gates.get(id)?.pass();
      return { id, version };
    }

    @Post('pages/:id')
    async change(@Param('id') id: string): Promise<object> {
      versions.set(id, versionOf(id) + 1);
      await this.#strata.invalidateTags([`page:${id}`]);
      return { version: versionOf(id) };
    }
  }

  @Module({
    imports: [CacheModule.forRoot({ namespace: 'two-users', http: { global: true, purgers, purging } })],
    controllers: [TwoUsersController],
  })
  class TwoUsersModule {}

  const app = adapter === 'express' ? await onExpress(TwoUsersModule) : await onFastify(TwoUsersModule);
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return { app, url, port: Number(new URL(url).port), runs, versions, gates };
}

const QUIET = { logger: false, abortOnError: false } as const;

async function onExpress(module: Type): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, QUIET);
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, name: 'visit' }));
  app.use((request: any, _response: unknown, next: () => void) => {
    request.user = request.headers['x-user'];
    next();
  });
  return app;
}

async function onFastify(module: Type): Promise<INestApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), QUIET);
  await app.register(fastifyCookie as never);
  await app.register(
    fastifySession as never,
    {
      secret: SECRET,
      saveUninitialized: false,
      cookieName: 'visit',
      cookie: { secure: false },
    } as never,
  );
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request: any, _reply: unknown, done: () => void) => {
    request.user = request.headers['x-user'];
    done();
  });
  return app;
}

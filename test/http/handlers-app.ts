import { Readable } from 'node:stream';
import {
  Body,
  ClassSerializerInterceptor,
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Put,
  Redirect,
  Render,
  Req,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type ExecutionContext,
  type MessageEvent,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import fastifyCompress from '@fastify/compress';
import { HttpCache, HttpCacheInterceptor } from '@strata-cache/nestjs';
import { Exclude } from 'class-transformer';
import compression from 'compression';
import { map, of, type Observable } from 'rxjs';
import type { HostName } from './hosts.js';

const PUBLIC = { scope: 'public', maxAge: '1m' } as const;
const STORED = { ...PUBLIC, store: true } as const;
/** What ran, counted. */
export const runs = { handler: 0, pipe: 0, serializer: 0 };

@Injectable()
export class CountingPipe implements PipeTransform {
  transform(value: unknown): unknown {
    runs.pipe++;
    return value;
  }
}

@Injectable()
export class CountingSerializer implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((value: unknown) => {
        runs.serializer++;
        return value;
      }),
    );
  }
}

/** Stands outside ours, and cannot do with less than what handlers return. */
@Injectable()
export class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: { id: number }) => ({ data: value, id: value.id })));
  }
}

class User {
  id = 1;
  name = 'ann';
  @Exclude()
  password = 'hunter2';
}

@Controller()
export class HandlersController {
  @Get('versioned/:id')
  @UsePipes(CountingPipe)
  @UseInterceptors(CountingSerializer)
  @HttpCache({ ...PUBLIC, version: async (context) => context.switchToHttp().getRequest<any>().params.id })
  versioned(@Param('id') id: string): object {
    runs.handler++;
    return { id };
  }

  @Get('user')
  @UseInterceptors(ClassSerializerInterceptor)
  @HttpCache(STORED)
  user(): User {
    runs.handler++;
    return new User();
  }

  @Get('outer')
  @UseInterceptors(Envelope, HttpCacheInterceptor)
  @HttpCache(STORED)
  outer(): object {
    runs.handler++;
    return { id: 7 };
  }

  @Get('created')
  @HttpCode(203)
  @Header('X-Static', 'yes')
  @HttpCache({ ...PUBLIC, store: { statuses: [200, 203] } })
  created(@Res({ passthrough: true }) response: any): string {
    runs.handler++;
    const set = (response.raw ? response.header : response.setHeader).bind(response);
    set('X-Own', 'yes');
    set('Link', ['<a>; rel=x', '<b>; rel=y']);
    set('Content-Type', 'text/csv; charset=utf-8');
    return 'a;b';
  }

  @Get('res')
  @HttpCache({ ...PUBLIC, version: () => 'v1' })
  res(@Res() response: any): void {
    runs.handler++;
    response.send({ by: 'hand' });
  }

  @Get('res-stored')
  @HttpCache({ ...PUBLIC, store: { manual: true } })
  resStored(@Res() response: any): void {
    runs.handler++;
    response.send({ run: runs.handler });
  }

  @Get('redirect')
  @Redirect('/elsewhere', 302)
  @HttpCache({ ...PUBLIC, version: () => 'v1' })
  redirect(): void {
    runs.handler++;
  }

  @Get('render')
  @Render('page')
  @HttpCache(PUBLIC)
  render(): object {
    runs.handler++;
    return { title: 'rendered' };
  }

  @Sse('events')
  @HttpCache(PUBLIC)
  events(): Observable<MessageEvent> {
    return of({ data: 'one' });
  }

  @Get('file')
  @HttpCache(STORED)
  file(): StreamableFile {
    runs.handler++;
    return new StreamableFile(Readable.from([Buffer.from('streamed')]), { type: 'text/plain' });
  }

  @Get('missing')
  @HttpCache({ ...STORED, tags: ['a'] })
  missing(@Res({ passthrough: true }) response: any): never {
    runs.handler++;
    (response.raw ? response.header : response.setHeader).bind(response)('Cache-Control', 'public, max-age=9999');
    throw new NotFoundException('gone');
  }

  @Get('known-missing')
  @HttpCache({ ...STORED, errors: { 404: { maxAge: '10s' } } })
  knownMissing(): never {
    runs.handler++;
    throw new NotFoundException('gone');
  }

  @Get('bigint')
  @HttpCache(STORED)
  bigint(): object {
    runs.handler++;
    return { id: 1n };
  }

  @Get('bad-tag')
  @HttpCache({
    ...STORED,
    etag: () => {
      throw new Error('no tag');
    },
  })
  badTag(): object {
    runs.handler++;
    return {};
  }

  @Get('bad-field')
  @HttpCache(STORED)
  badField(@Res({ passthrough: true }) response: any): object {
    runs.handler++;
    // Fastify checks values when the head goes out, Express at once.
    (response.raw ? response.header : response.setHeader).bind(response)('X-Own', 'a\r\nSet-Cookie: b');
    return {};
  }

  @Get('large/:size')
  @HttpCache({ ...PUBLIC, store: { maxBodyBytes: '64kb' } })
  large(@Param('size', ParseIntPipe) size: number): string {
    runs.handler++;
    return 'x'.repeat(size);
  }

  @Get('buffer')
  @HttpCache({ ...PUBLIC, store: { manual: true } })
  buffer(@Res() response: any): void {
    runs.handler++;
    response.send(Buffer.from([0, 255, 1]));
  }

  @Get('nothing')
  @HttpCode(204)
  @HttpCache({ ...PUBLIC, store: { statuses: [204] } })
  nothing(): void {
    runs.handler++;
  }

  @Get('by-chunks')
  @HttpCache(PUBLIC)
  byChunks(@Res() response: any): void {
    runs.handler++;
    // Past every method of the framework: Express' response is Node's, Fastify's reply is taken over.
    if (response.raw) response.hijack();
    const raw = response.raw ?? response;
    raw.write('a');
    raw.end('b');
  }

  @Post('created')
  @HttpCache(PUBLIC)
  post(@Body() body: unknown): unknown {
    return body ?? {};
  }

  @Put('thrown')
  put(@Req() _request: unknown): never {
    throw new NotFoundException();
  }
}

export async function withPlugins(app: any, host: HostName): Promise<void> {
  if (host === 'Express') {
    app.use(compression({ threshold: 1 }));
    app.engine('txt', (_path: string, options: any, done: (error: null, text: string) => void) =>
      done(null, `rendered: ${options.title}`),
    );
    app.setBaseViewsDir(new URL('./views', import.meta.url).pathname);
    app.setViewEngine('txt');
  } else {
    const fastify = app.getHttpAdapter().getInstance();
    await app.register(fastifyCompress, { threshold: 1 });
    fastify.decorateReply('view', function view(this: any, _template: string, options: any) {
      return this.type('text/plain').send(`rendered: ${options.title}`);
    });
  }
}

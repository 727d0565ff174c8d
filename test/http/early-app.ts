import {
  Catch,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Req,
  Res,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpCache } from '@strata-cache/nestjs';
import { map, type Observable } from 'rxjs';

/** What ran, in its order. `early`: a version was asked ahead of the pipeline. */
export const seen: string[] = [];

/** A version that tells who asked: Nest's own context is of the pipeline. */
export function version(context: ExecutionContext): string {
  seen.push(context.constructor.name === 'ExecutionContextHost' ? 'version' : 'early');
  return 'v1';
}

const PUBLIC = { scope: 'public', maxAge: '10s' } as const;
const STORED = { ...PUBLIC, store: true } as const;

@Catch(HttpException)
class TellingFilter implements ExceptionFilter {
  catch(error: HttpException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<any>();
    (response.raw ? response.header.bind(response) : response.setHeader.bind(response))('X-Filter', error.name);
    response.status(error.getStatus()).send({ filtered: error.getStatus() });
  }
}

/** Bound behind ours, whoever binds ours: it sees results of handlers only. */
@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Controller()
@UseFilters(TellingFilter)
@UseInterceptors(Wrapping)
export class EarlyController {
  runs = 0;

  @Get('version')
  @Header('X-Static', 'yes')
  @HttpCache({ ...PUBLIC, version, tags: ['t'] })
  version(): object {
    return { run: ++this.runs };
  }

  @Get('later')
  @HttpCache({ ...PUBLIC, version: (context) => Promise.resolve(version(context)) })
  later(): object {
    return { run: ++this.runs };
  }

  @Get('strong')
  @HttpCode(203)
  @HttpCache({ ...PUBLIC, etag: 'strong', version })
  strong(): object {
    return { run: ++this.runs };
  }

  @Get('stored')
  @Header('X-Static', 'yes')
  @Header('Vary', 'X-A')
  @HttpCache({ ...STORED, tags: ['t'] })
  stored(@Req() request: any): object {
    return { run: ++this.runs, a: request.headers['x-a'] };
  }

  @Get('both')
  @HttpCache({ ...STORED, version })
  both(): object {
    return { run: ++this.runs };
  }

  @Get('stale')
  @HttpCache({ ...STORED, staleWhileRevalidate: '1m' })
  stale(): object {
    return { run: ++this.runs };
  }

  @Get('cookie')
  @HttpCache(STORED)
  cookie(@Res({ passthrough: true }) response: any): object {
    (response.raw ? response.header : response.setHeader).bind(response)('Set-Cookie', 'a=1');
    return { run: ++this.runs };
  }

  @Get('if')
  @HttpCache({ ...STORED, if: (context) => context.switchToHttp().getRequest<any>().headers['x-if'] === undefined })
  conditional(): object {
    return { run: ++this.runs };
  }

  @Get('failing-version')
  @HttpCache({
    ...PUBLIC,
    version: (context) => {
      version(context);
      throw new HttpException('no version', 418);
    },
  })
  failingVersion(): object {
    return { run: ++this.runs };
  }

  @Get('rejecting-version')
  @HttpCache({
    ...PUBLIC,
    version: async (context) => {
      version(context);
      throw new HttpException('no version', 418);
    },
  })
  rejectingVersion(): object {
    return { run: ++this.runs };
  }

  @Get('absent')
  @HttpCache({ ...STORED, version: () => null })
  absent(): never {
    throw new HttpException('gone', 404);
  }

  @Get('handler-fails')
  @HttpCache(STORED)
  handlerFails(): never {
    throw new HttpException('broken', 500);
  }
}

/** Whatever stands in front of our interceptor says that it ran. */
@Injectable()
export class TellingGuard implements CanActivate {
  canActivate(): boolean {
    seen.push('guard');
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
export class RequestGuard extends TellingGuard {}

@Injectable()
export class TellingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    seen.push('interceptor');
    return next.handle();
  }
}

const VERSIONED = { ...PUBLIC, version } as const;

@Controller()
export class PlainController {
  @Get('one')
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

@Controller()
@UseGuards(TellingGuard)
export class GuardedController {
  @Get('one')
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

@Controller()
export class GuardedMethodController {
  @Get('one')
  @UseGuards(TellingGuard)
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

@Controller({ scope: Scope.REQUEST })
export class RequestController {
  constructor() {
    seen.push('instance');
  }

  @Get('one')
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

@Controller({ host: '127.0.0.1' })
export class HostController {
  @Get('one')
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

@Controller()
export class FunctionHeaderController {
  @Get('one')
  @Header('X-Count', () => String(seen.push('header')))
  @HttpCache(VERSIONED)
  one(): object {
    return {};
  }
}

class Base {
  @Get('one')
  @HttpCache(VERSIONED)
  one(): object {
    return { of: this.constructor.name };
  }
}

@Controller()
export class FirstHeir extends Base {}

@Controller('other')
export class SecondHeir extends Base {}

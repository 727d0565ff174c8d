import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Patch,
  Post,
  Put,
  Query,
  Redirect,
  Req,
  Res,
} from '@nestjs/common';
import { CacheEvict, defineCache, HttpCache } from '@strata-cache/nestjs';
import type { Gate } from '@strata-cache/nestjs/testing';

const STORED = { scope: 'public', maxAge: '1m', store: true } as const;
export const products = defineCache<[id: string], object>({
  name: 'product',
  version: 1,
  owner: 'store.spec',
  key: (id) => id,
  ttl: '1m',
  tags: ['product'],
});

function setFields(response: any, fields: Record<string, string | string[]>): void {
  const set = (response.raw ? response.header : response.setHeader).bind(response);
  for (const [name, value] of Object.entries(fields)) set(name, value);
}

/** What handlers do, steered by tests. */
export const world = { held: undefined as Gate | undefined, version: 1 };

@Injectable()
export class Products {
  @CacheEvict(products, { tags: () => ['product'], mode: 'delete' })
  async change(_id: string): Promise<void> {}
}

@Controller()
export class StoreController {
  runs = 0;
  fail = false;

  constructor(private readonly products: Products) {}

  @Get('own')
  @HttpCache({ scope: 'public', store: true })
  own(@Query() fields: Record<string, string>, @Res({ passthrough: true }) response: any): object {
    setFields(response, fields);
    return { run: ++this.runs };
  }

  @Get('tagged')
  @HttpCache({ ...STORED, tags: ['product'] })
  tagged(): object {
    return { run: ++this.runs };
  }

  @Get('item')
  @HttpCache(STORED)
  item(): object {
    return { run: ++this.runs };
  }

  @Get('held')
  @HttpCache(STORED)
  async held(@Req() request: any, @Res({ passthrough: true }) response: any): Promise<object> {
    const run = ++this.runs;
    await world.held?.pass();
    if (this.fail) throw new HttpException('failed', 500);
    if (request.headers['x-vary'] !== undefined) setFields(response, { Vary: 'X-Vary' });
    return { run, for: request.headers['x-vary'] };
  }

  @Get('varied')
  @HttpCache(STORED)
  varied(@Req() request: any, @Res({ passthrough: true }) response: any): object {
    setFields(response, { Vary: 'X-A' });
    return { run: ++this.runs, a: request.headers['x-a'] };
  }

  @Get('versioned')
  @HttpCache({ ...STORED, version: () => world.version })
  versioned(): object {
    return { run: ++this.runs, version: world.version };
  }

  @Get('ttl')
  @HttpCache({ scope: 'public', store: { ttl: '5m' } })
  ttl(): object {
    return { run: ++this.runs };
  }

  @Get('query')
  @HttpCache({ ...STORED, store: { query: ['page'] } })
  query(@Query('page') page: string): object {
    return { run: ++this.runs, page };
  }

  @Get('static')
  @Header('Cache-Control', 'public, max-age=10')
  @HttpCache(STORED)
  static(): object {
    return { run: ++this.runs };
  }

  @Get('partial')
  @HttpCode(206)
  @HttpCache({ ...STORED, store: { statuses: [200, 206] } })
  partial(): object {
    return { run: ++this.runs };
  }

  @Put('item')
  put(): object {
    return {};
  }

  @Post('failing')
  failing(): never {
    throw new HttpException('no', 400);
  }

  @Delete('item')
  @HttpCode(204)
  remove(): void {}

  @Patch('elsewhere')
  elsewhere(@Query('location') location: string, @Res({ passthrough: true }) response: any): object {
    setFields(response, { 'Content-Location': location });
    return {};
  }

  @Post('redirecting')
  @Redirect('/item', 303)
  redirecting(): void {}

  @Put('by-hand')
  byHand(@Res() response: any): void {
    setFields(response, { Location: '/item' });
    response.send('done');
  }

  @Post('change')
  async change(): Promise<void> {
    await this.products.change('1');
  }
}

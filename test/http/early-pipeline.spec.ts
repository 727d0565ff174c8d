import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, HttpCode, Next, Res, type ExecutionContext, type Type } from '@nestjs/common';
import { HttpCache } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HostName, type HttpApp } from './hosts.js';
import type { RawResponse } from './raw-request.js';

const PUBLIC = { scope: 'public', maxAge: '10s' } as const;

const apps: HttpApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(host: HostName, controllers: Type[], early: boolean): Promise<HttpApp> {
  const app = await startApp(host, { controllers, http: { global: true, early } });
  apps.push(app);
  return app;
}

function responseOf(context: ExecutionContext): any {
  return context.switchToHttp().getResponse();
}

function setVary(response: any, value: string): void {
  (response.raw ? response.header : response.setHeader).call(response, 'Vary', value);
}

@Controller()
class ChangingController {
  @Get('vary')
  @Header('Vary', 'Accept')
  @HttpCache({
    ...PUBLIC,
    version: (context) => {
      setVary(responseOf(context), 'Accept, X-Tenant');
      return 1;
    },
  })
  vary(): object {
    return {};
  }

  @Get('removed')
  @Header('X-Static', 'yes')
  @HttpCache({
    ...PUBLIC,
    version: async (context) => {
      responseOf(context).removeHeader('X-Static');
      return 1;
    },
  })
  removed(): object {
    return {};
  }

  @Get('status')
  @HttpCache({ ...PUBLIC, version: (context) => responseOf(context).status(202) && 1 })
  status(): object {
    return {};
  }

  @Get('passed')
  @HttpCode(203)
  @Header('Vary', 'Accept')
  @HttpCache({
    ...PUBLIC,
    if: (context) => {
      setVary(responseOf(context), 'Accept, X-Tenant');
      return false;
    },
  })
  passed(): object {
    return {};
  }
}

/** Puts a function of another name in the place of a method, as tracing does. */
function Wrapped(): MethodDecorator {
  return (_target, _property, descriptor: PropertyDescriptor) => {
    const inner = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]): unknown {
      return inner.apply(this, args);
    };
    return descriptor;
  };
}

@Controller()
class WrappedController {
  @Get('wrapped')
  @HttpCache({ ...PUBLIC, version: () => 1 })
  @Wrapped()
  wrapped(@Res() response: any): void {
    response.send({});
  }
}

@Controller()
class FirstController {
  @Get('private/:id')
  @HttpCache({ scope: 'private', maxAge: '5s' })
  declared(@Next() next: () => void): void {
    next();
  }

  @Get('open/:id')
  undeclared(@Next() next: () => void): void {
    next();
  }
}

@Controller()
class SecondController {
  @Get(['private/one', 'open/one'])
  @HttpCache({ ...PUBLIC, version: () => 1 })
  second(): object {
    return {};
  }
}

describe.each(HOSTS)('what the pipeline does after an early look, on %s', (host) => {
  it.each(['/vary', '/removed', '/status', '/passed'])(
    'leaves what a function of the application has put in the response: %s',
    async (path) => {
      const [early, late] = [
        await start(host, [ChangingController], true),
        await start(host, [ChangingController], false),
      ];
      const response = factsOf(await early.send(path));
      expect(response).toEqual(factsOf(await late.send(path)));
      expect(response).not.toEqual([200, 'Accept', 'yes']);
    },
  );

  it('answers for a handler that takes the response, whatever a decorator has made of its name', async () => {
    for (const early of [true, false]) {
      const app = await start(host, [WrappedController], early);
      expect((await app.send('/wrapped', { headers: { 'if-none-match': '*' } })).status).toBe(304);
    }
  });
});

it.each(['/private/one', '/open/one'])('leaves a request alone that another route has passed on: %s', async (path) => {
  const [early, late] = [
    await start('Express', [FirstController, SecondController], true),
    await start('Express', [FirstController, SecondController], false),
  ];
  const answer = await early.send(path);
  expect(answer.headers['cache-control']).not.toBe('public, max-age=10');
  expect(answer.headers['cache-control']).toBe((await late.send(path)).headers['cache-control']);
});

function factsOf({ status, headers }: RawResponse): unknown[] {
  return [status, headers['vary'], headers['x-static']];
}

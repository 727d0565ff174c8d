import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { Controller, Get, Header, HttpCode, Next, Res, type ExecutionContext, type Type } from '@nestjs/common';
import { HttpCache } from '@strata-cache/nestjs';
import { gate, type Gate } from '@strata-cache/nestjs/testing';
import { eventually } from '../support/eventually.js';
import { HOSTS, startApp, type HostName, type HttpApp } from './hosts.js';
import { abandon, type RawResponse } from './raw-request.js';

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

const world: { held: Gate | undefined } = { held: undefined };

@Controller()
class SlowController {
  runs = 0;

  @Get('slow')
  @HttpCache({
    ...PUBLIC,
    store: true,
    version: async () => {
      await world.held?.pass();
      return 1;
    },
  })
  slow(): object {
    return { run: ++this.runs };
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

describe.each(HOSTS)('a client that goes while its version is asked, on %s', (host) => {
  // 1. it asks, 2. it goes, 3. the version is known and its request leads, 4. another one waits for it.
  it.each([true, false])('keeps nobody waiting, early: %s', async (early) => {
    let closed = false;
    const app = await startApp(host, {
      controllers: [SlowController],
      http: { global: true, early },
      configure: (created) =>
        created.use((_request: object, response: ServerResponse, next: () => void) => {
          response.once('close', () => (closed = true));
          next();
        }),
    });
    apps.push(app);
    const held = (world.held = gate());
    const leave = abandon(app.port, '/slow');
    await held.arrived();
    leave();
    await eventually(() => closed);
    world.held = undefined;
    held.open();
    await eventually(() => app.get(SlowController).runs === 1);
    expect((await app.send('/slow')).status).toBe(200);
    expect((await app.send('/slow')).headers['cache-status']).toMatch(/^strata; hit/);
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

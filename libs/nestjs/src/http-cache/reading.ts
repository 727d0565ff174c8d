import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { map, of, type Observable } from 'rxjs';
import type { Exchange } from './exchange.js';
import type { HttpRoute } from './http-routes.js';
import type { HttpPlatform } from './platform.js';
import type { ResponseHead } from './response-head.js';
import { needsResult, tagsOf } from './store-query.js';

/** A GET or HEAD on its way through the interceptor. */
export interface Reading {
  readonly platform: HttpPlatform;
  readonly context: ExecutionContext;
  readonly next: CallHandler;
  readonly route: HttpRoute;
  readonly exchange: Exchange;
  readonly head: ResponseHead;
}

/** What an interceptor returns. */
export type Intercepted = Observable<unknown> | Promise<Observable<unknown>>;

/** What Nest replies with where the commit puts the answer in its place. */
const NOTHING: Observable<unknown> = of(undefined);

/** Answers without the handler. Nest replies with what is emitted, and the commit puts the answer in its place; where Nest does not, we do. */
export function answer({ platform, context, route, head }: Reading, status: number): Observable<unknown> {
  head.status = status;
  if (route.manual) platform.end(context.switchToHttp().getResponse(), status);
  return NOTHING;
}

/** Runs the handler; tags that are made from its result are known then. */
export function handle({ exchange, next, context }: Reading): Observable<unknown> {
  const handled = next.handle();
  if (!needsResult(exchange.route.tags)) return handled;
  return handled.pipe(
    map((value: unknown) => {
      exchange.tags = tagsOf(exchange, context, value);
      return value;
    }),
  );
}

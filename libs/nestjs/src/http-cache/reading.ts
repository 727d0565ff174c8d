import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import type { Exchange } from './exchange.js';
import type { HttpRoute } from './http-routes.js';
import type { HttpPlatform } from './platform.js';
import type { ResponseHead } from './response-head.js';
import { needsResult, tagsOf } from './store-query.js';

/** A GET or HEAD on its way to its handler. */
export interface Reading {
  readonly platform: HttpPlatform;
  readonly context: ExecutionContext;
  readonly route: HttpRoute;
  readonly exchange: Exchange;
  readonly head: ResponseHead;
}

/** The status to answer with, the exchange holding the rest, or undefined: the handler runs. */
export type Decision = number | undefined;

/** What an interceptor returns. */
export type Intercepted = Observable<unknown> | Promise<Observable<unknown>>;

/** Runs the handler; tags that are made from its result are known then. */
export function handle({ exchange, context }: Reading, next: CallHandler): Observable<unknown> {
  const handled = next.handle();
  if (!needsResult(exchange.route.tags)) return handled;
  return handled.pipe(
    map((value: unknown) => {
      exchange.tags = tagsOf(exchange, context, value);
      return value;
    }),
  );
}

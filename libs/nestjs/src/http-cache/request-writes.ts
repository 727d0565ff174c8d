import { HttpException, PreconditionFailedException, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { concatMap, type Observable } from 'rxjs';
import { matchesVersion } from './entity-tag.js';
import { Exchange, type RequestView } from './exchange.js';
import type { HttpCacheEngine } from './http-cache-engine.js';
import type { HttpRoute } from './http-routes.js';
import type { HttpPlatform } from './platform.js';
import { evaluatePreconditions, saysWhatItExpects } from './preconditions.js';
import { strongValidatorsOf } from './version.js';

const PRECONDITION_REQUIRED = 428;

/** @throws 412 when what the client expects does not hold, 428 when it was to say so and did not (RFC 6585 section 3) */
export async function checkExpectations(
  engine: HttpCacheEngine,
  context: ExecutionContext,
  { site, precondition }: HttpRoute,
  request: RequestView,
): Promise<void> {
  const { version, required = false, onFailed } = precondition!;
  if (!saysWhatItExpects(request.fields)) {
    if (required) throw new HttpException('This request must be conditional: send If-Match.', PRECONDITION_REQUIRED);
    return;
  }
  const state = strongValidatorsOf(site, await version(context));
  const { method, fields } = request;
  const now = engine.clock.wall();
  const verdict = evaluatePreconditions({ method, fields, now, matches: matchesVersion }, state);
  if (verdict === 'proceed' || (await onFailed?.(context)) === true) return;
  // Nothing is hooked yet that would count it.
  engine.onOutcome?.(['412', 'write']);
  throw new PreconditionFailedException();
}

/**
 * Runs a handler that changes something. If it succeeds, what is stored of its URL is gone before its response tells anyone (RFC 9111
 * section 4.4).
 *
 * 1 a GET reads the old row, 2 the write commits and invalidates here, 3 the response of 1 is final. It is not stored: the fence of its
 * load is older than 2.
 */
export function write(
  engine: HttpCacheEngine,
  platform: HttpPlatform,
  context: ExecutionContext,
  next: CallHandler,
  route: HttpRoute,
  request: RequestView,
): Observable<unknown> {
  const exchange = new Exchange(request, engine.writing, engine.settings, engine.clock);
  exchange.onOutcome = engine.onOutcome;
  exchange.plain = route.policy === undefined && route.precondition === undefined;
  const head = platform.hook(context.switchToHttp().getResponse(), exchange);
  const invalidate = (): Promise<void> => engine.invalidateWritten(request, head);
  if (route.manual || !route.replaceable) {
    // The response is under way before an interceptor hears of it.
    exchange.onSent = (status) => {
      if (hasSucceeded(status)) engine.detach(invalidate);
    };
    return next.handle();
  }
  return next.handle().pipe(
    concatMap(async (value: unknown) => {
      if (hasSucceeded(head.status)) await invalidate();
      return value;
    }),
  );
}

function hasSucceeded(status: number): boolean {
  return status >= 200 && status < 400;
}

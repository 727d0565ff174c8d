import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import type { Exchange, RequestView } from './exchange.js';
import {
  hookExpress,
  installExpressHook,
  sendExpress,
  viewOfExpress,
  type ExpressApplication,
  type ExpressRequest,
  type ExpressResponse,
} from './express-exchange.js';
import {
  hookFastify,
  installFastifyHook,
  viewOfFastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from './fastify-exchange.js';
import type { ResponseHead } from './response-head.js';

/** What differs between HTTP frameworks, seen from the interceptor. */
export interface HttpPlatform {
  /** Called once, before the first request. */
  install(): void;
  view(request: unknown): RequestView;
  rawRequest(request: unknown): IncomingMessage;
  rawResponse(response: unknown): ServerResponse;
  /** Ties an exchange to its response. */
  hook(response: unknown, exchange: Exchange): ResponseHead;
  /** Answers ahead of Nest's pipeline as Nest would behind it: with nothing, for which the commit puts what is decided. */
  answer(response: unknown, head: ResponseHead): void;
  /** Ends a response that Nest would leave to the handler. */
  end(response: unknown, status: number): void;
}

/** The platform of an application, or undefined where there is no HTTP, or an adapter nobody has heard of. */
export function platformOf({ httpAdapter }: HttpAdapterHost): HttpPlatform | undefined {
  const type: unknown = httpAdapter?.getType?.();
  const end = (response: unknown, status: number): void => {
    httpAdapter.reply(response, undefined, status);
  };
  if (type === 'express') {
    return {
      install: () => installExpressHook(httpAdapter.getInstance<ExpressApplication>()),
      view: (request) => viewOfExpress(request as ExpressRequest),
      rawRequest: (request) => request as IncomingMessage,
      rawResponse: (response) => response as ServerResponse,
      hook: (response, exchange) => hookExpress(response as ExpressResponse, exchange),
      answer: (response, head) => sendExpress(response as ExpressResponse, head),
      end,
    };
  }
  if (type !== 'fastify') return undefined;
  return {
    install: () => installFastifyHook(httpAdapter.getInstance<FastifyInstance>()),
    view: (request) => viewOfFastify(request as FastifyRequest),
    rawRequest: (request) => (request as FastifyRequest).raw,
    rawResponse: (response) => (response as FastifyReply).raw,
    hook: (response, exchange) => hookFastify(response as FastifyReply, exchange),
    answer: (response) => (response as FastifyReply).send(undefined),
    end,
  };
}

import type { ExecutionContext, Type } from '@nestjs/common';

type HttpArguments = ReturnType<ExecutionContext['switchToHttp']>;
type RpcArguments = ReturnType<ExecutionContext['switchToRpc']>;
type WsArguments = ReturnType<ExecutionContext['switchToWs']>;

/** The context of a route as functions of an application see it ahead of the pipeline: that which Nest would give them, for less. */
export class RouteContext implements ExecutionContext, HttpArguments {
  readonly #type: Type;
  readonly #handler: () => unknown;
  readonly #args: readonly [request: object, response: object, next: unknown];

  constructor(type: Type, handler: () => unknown, args: readonly [request: object, response: object, next: unknown]) {
    this.#type = type;
    this.#handler = handler;
    this.#args = args;
  }

  getType<Name extends string>(): Name {
    return 'http' as Name;
  }

  getClass<T>(): Type<T> {
    return this.#type as Type<T>;
  }

  getHandler(): () => unknown {
    return this.#handler;
  }

  getArgs<Args extends any[]>(): Args {
    return this.#args as unknown as Args;
  }

  getArgByIndex<T>(index: number): T {
    return this.#args[index] as T;
  }

  switchToHttp(): HttpArguments {
    return this;
  }

  getRequest<T>(): T {
    return this.#args[0] as T;
  }

  getResponse<T>(): T {
    return this.#args[1] as T;
  }

  getNext<T>(): T {
    return this.#args[2] as T;
  }

  switchToRpc(): RpcArguments {
    return { getData: <T>() => this.#args[0] as T, getContext: <T>() => this.#args[1] as T };
  }

  switchToWs(): WsArguments {
    return {
      getClient: <T>() => this.#args[0] as T,
      getData: <T>() => this.#args[1] as T,
      getPattern: () => this.#args[2] as string,
    };
  }
}

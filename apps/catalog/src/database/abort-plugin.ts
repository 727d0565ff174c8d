import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryId,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely';

/** Which signal stops which query; a query that is forgotten takes its signal with it. */
export type QuerySignals = WeakMap<QueryId, AbortSignal>;

/** Kysely 0.28 hands no AbortSignal to a driver, but every query carries its id through to it: the plugin leaves a note under that id. */
export class AbortPlugin implements KyselyPlugin {
  readonly #signals: QuerySignals;
  readonly #signal: AbortSignal;

  constructor(signals: QuerySignals, signal: AbortSignal) {
    this.#signals = signals;
    this.#signal = signal;
  }

  transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    this.#signals.set(args.queryId, this.#signal);
    return args.node;
  }

  transformResult(args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(args.result);
  }
}

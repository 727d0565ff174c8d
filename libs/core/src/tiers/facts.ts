/** What a second tier knows of its own set-up, for whoever checks it. */
export interface TierFacts {
  readonly servers: readonly ServerFacts[];
  /** Places the driver was found in; more than one means that two copies of it are installed. */
  readonly driverCopies: readonly string[];
}

/** One server of it. What could not be found out is undefined: the right to ask may be missing. */
export interface ServerFacts {
  readonly server: string;
  /** What it does when memory is full, e.g. `volatile-lru`. */
  readonly evictionPolicy: string | undefined;
  /** Bytes it may use; 0 = no limit. */
  readonly maxBytes: number | undefined;
  /** Commands and channels we need and may not use. */
  readonly denied: readonly string[];
  /** The server's wall clock, and the monotonic instant at which we asked, both ms. */
  readonly wallClock: number | undefined;
  readonly askedAt: number;
  /** Some of the entries under our prefix. */
  readonly entries: readonly SampledEntry[] | undefined;
}

export interface SampledEntry {
  /** The name of its cache, and the version of its definition. */
  readonly cache: string;
  readonly version: number;
  /** The id of the serializer it was written with; undefined when it is no entry of ours. */
  readonly serializer: number | undefined;
  /** ms until it goes; undefined = never. */
  readonly ttl: number | undefined;
}

/** Asks the servers of a second tier; those that do not answer are left out. */
export type FactsProbe = () => Promise<TierFacts>;

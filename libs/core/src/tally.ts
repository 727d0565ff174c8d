import type { BusEvent } from './bus/bus.js';

/** What is counted by labels; the labels of each stand beside it. */
export interface CountLabels {
  /** Names invalidated by this process: keys, tags, or the whole namespace. */
  invalidations: [kind: 'key' | 'tag' | 'clear', mode: 'delete' | 'expire'];
  /** Invalidations received over the bus, our own among them. */
  received: [kind: 'key' | 'tag' | 'clear' | 'unreadable'];
  /** Calls of the second tier, one per round trip of reads. */
  calls: [operation: string, outcome: 'ok' | 'error'];
  /** Fills and puts the second tier did not take, by its reason, such as `lease` (an invalidation came in between) or `memory`. */
  refusals: [reason: string];
  /** HTTP responses that passed the cache: hit, miss, 304, 412, bypass and why. */
  responses: [outcome: string, reason: string];
  /** Domain events: emitted or received, and what became of them. */
  events: [direction: string, outcome: string];
}

/** How an invalidation is counted: by what it names. */
export function kindOf(event: BusEvent): 'key' | 'tag' | 'clear' {
  return event.kind === 'keys' ? 'key' : event.kind === 'tags' ? 'tag' : 'clear';
}

/** A number with the labels it is counted under. */
export interface Count {
  readonly name: keyof CountLabels;
  readonly labels: readonly string[];
  value: number;
}

/** Label sets kept; whatever comes after them is counted as `other`, so that a mistake costs accuracy and no memory. */
const MOST_COUNTS = 1_000;

/** A count, and those whose labels go on from here. */
interface Node {
  count: Count | undefined;
  readonly below: Map<string, Node>;
}

/** Counts by labels: for everything that is not an L1 hit. Labels are outcomes and names of caches, never keys. */
export class Tally {
  readonly #root: Node = { count: undefined, below: new Map() };
  readonly #counts: Count[] = [];

  add<Name extends keyof CountLabels>(name: Name, labels: CountLabels[Name], by = 1): void {
    // Label by label: a text of all of them would be made and hashed anew each time.
    let node = this.#root.below.get(name);
    for (const label of labels) node = node?.below.get(label);
    const count = node?.count ?? this.#begin(name, labels);
    count.value += by;
  }

  /** All counts so far. */
  all(): IterableIterator<Count> {
    return this.#counts.values();
  }

  /** The sum of those whose labels begin like this. */
  sum(name: keyof CountLabels, ...labels: readonly string[]): number {
    let sum = 0;
    for (const count of this.#counts) {
      sum += count.name === name && labels.every((label, index) => count.labels[index] === label) ? count.value : 0;
    }
    return sum;
  }

  #begin(name: keyof CountLabels, labels: readonly string[]): Count {
    const kept = this.#counts.length < MOST_COUNTS ? labels : labels.map(() => 'other');
    let node = this.#root;
    for (const label of [name, ...kept]) {
      let next = node.below.get(label);
      if (next === undefined) node.below.set(label, (next = { count: undefined, below: new Map() }));
      node = next;
    }
    if (node.count === undefined) this.#counts.push((node.count = { name, labels: kept, value: 0 }));
    return node.count!;
  }
}

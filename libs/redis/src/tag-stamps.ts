import type { ShardKeys } from './shard.js';
import { splitTags } from './wire.js';

/** The members in front of the tags, each checked again: the state may have changed since the head was read. */
const FIXED = ['i', '*', '~', 'r', 'T', 'U'] as const;

/** One look-up of tag stamps for all entries of a batch: which members to ask for, and what the reply says of an entry's tags. */
export class TagStamps {
  readonly #places = new Map<string, number>();
  readonly #members: string[] = [];
  #scores: readonly (string | null)[] = [];

  add(tagText: string): void {
    for (const tag of splitTags(tagText)) {
      if (!this.#places.has(tag)) {
        this.#places.set(tag, FIXED.length + this.#members.length);
        this.#members.push(`t:${tag}`, `u:${tag}`);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  /** Arguments of ZMSCORE. */
  command(keys: ShardKeys): string[] {
    return [keys.state, ...FIXED, ...this.#members];
  }

  answer(reply: unknown): void {
    this.#scores = (reply as (Buffer | null)[]).map((score) => (score === null ? null : score.toString('latin1')));
  }

  #score(place: number): number {
    const score = this.#scores[place];
    return score === null || score === undefined ? 0 : Number(score);
  }

  /** 0 when the state is gone. */
  get incarnation(): number {
    return this.#score(0);
  }

  get hard(): number {
    return this.#score(1);
  }

  get soft(): number {
    return this.#score(2);
  }

  get runId(): number {
    return this.#score(3);
  }

  /** Undefined when one of the tags was not asked for. Otherwise the newest hard and soft stamp of them. */
  newest(tagText: string): { readonly hard: number; readonly soft: number } | undefined {
    let hard = 0;
    let soft = 0;
    for (const tag of splitTags(tagText)) {
      const place = this.#places.get(tag);
      if (place === undefined) {
        return undefined;
      }
      hard = Math.max(hard, this.#score(place));
      soft = Math.max(soft, this.#score(place + 1));
    }
    return { hard, soft };
  }
}

/** What strata's policies are compared with: the simplest, the usual, and the best that knowing the future can do. */
export const policies = {
  lru: (requests, capacity) => ratioOf(requests, capacity, true),
  fifo: (requests, capacity) => ratioOf(requests, capacity, false),
  optimum: belady,
};

function ratioOf(requests, capacity, renews) {
  const held = new Map();
  const warm = requests.length / 2;
  let hits = 0;
  for (let at = 0; at < requests.length; at++) {
    const key = requests[at];
    if (held.has(key)) {
      if (at >= warm) hits++;
      if (renews) {
        held.delete(key);
        held.set(key, 0);
      }
    } else {
      if (held.size >= capacity) held.delete(held.keys().next().value);
      held.set(key, 0);
    }
  }
  return hits / (requests.length - warm);
}

/** Belady: evicts what is wanted again last; a key wanted later than all that is held is not admitted at all. */
function belady(requests, capacity) {
  const { length } = requests;
  const next = new Float64Array(length);
  const seen = new Map();
  for (let at = length - 1; at >= 0; at--) {
    next[at] = seen.get(requests[at]) ?? Infinity;
    seen.set(requests[at], at);
  }
  const held = new Map();
  const heap = new FarthestFirst();
  const warm = length / 2;
  let hits = 0;
  for (let at = 0; at < length; at++) {
    const key = requests[at];
    if (held.has(key)) {
      if (at >= warm) hits++;
    } else if (held.size >= capacity) {
      let farthest = heap.pop();
      // What was used since stands in the heap with an old instant as well.
      while (held.get(farthest.key) !== farthest.at) farthest = heap.pop();
      if (farthest.at <= next[at]) {
        heap.push(farthest.at, farthest.key);
        continue;
      }
      held.delete(farthest.key);
    }
    held.set(key, next[at]);
    heap.push(next[at], key);
  }
  return hits / (length - warm);
}

class FarthestFirst {
  #at = [];
  #keys = [];

  push(at, key) {
    let place = this.#at.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#at[parent] >= at) break;
      this.#at[place] = this.#at[parent];
      this.#keys[place] = this.#keys[parent];
      place = parent;
    }
    this.#at[place] = at;
    this.#keys[place] = key;
  }

  pop() {
    const top = { at: this.#at[0], key: this.#keys[0] };
    const at = this.#at.pop();
    const key = this.#keys.pop();
    const { length } = this.#at;
    let place = 0;
    while (length > 0) {
      let child = 2 * place + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#at[child + 1] > this.#at[child]) child++;
      if (this.#at[child] <= at) break;
      this.#at[place] = this.#at[child];
      this.#keys[place] = this.#keys[child];
      place = child;
    }
    if (length > 0) {
      this.#at[place] = at;
      this.#keys[place] = key;
    }
    return top;
  }
}

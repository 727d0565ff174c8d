/** What strata's policies are compared with: the simplest, the usual, and the best that knowing the future can do. Keys are small whole numbers. */
export const policies = {
  lru: (requests, capacity) => ratioOf(requests, capacity, true),
  fifo: (requests, capacity) => ratioOf(requests, capacity, false),
  optimum: belady,
};

const most = (requests) => requests.reduce((a, b) => Math.max(a, b), 0);

/** A ring of keys, linked both ways; the place behind the last key is its end. */
function ratioOf(requests, capacity, renews) {
  const end = most(requests) + 1;
  const next = new Int32Array(end + 1).fill(end);
  const prev = new Int32Array(end + 1).fill(end);
  const held = new Uint8Array(end);
  const unlink = (key) => {
    next[prev[key]] = next[key];
    prev[next[key]] = prev[key];
  };
  const append = (key) => {
    prev[key] = prev[end];
    next[key] = end;
    next[prev[end]] = key;
    prev[end] = key;
  };
  const warm = requests.length / 2;
  let size = 0;
  let hits = 0;
  for (let at = 0; at < requests.length; at++) {
    const key = requests[at];
    if (held[key] === 1) {
      if (at >= warm) hits++;
      if (renews) {
        unlink(key);
        append(key);
      }
      continue;
    }
    if (size === capacity) {
      const oldest = next[end];
      unlink(oldest);
      held[oldest] = 0;
    } else {
      size++;
    }
    held[key] = 1;
    append(key);
  }
  return hits / (requests.length - warm);
}

/** Belady: evicts what is wanted again last; a key wanted later than all that is held is not admitted at all. */
function belady(requests, capacity) {
  const { length } = requests;
  const keys = most(requests) + 1;
  // When the key of each request is wanted again. Never again is beyond the last request, and names the key as well.
  const next = new Int32Array(length);
  const seen = new Int32Array(keys).fill(-1);
  for (let at = length - 1; at >= 0; at--) {
    const key = requests[at];
    next[at] = seen[key] === -1 ? length + key : seen[key];
    seen[key] = at;
  }
  const keyAt = (at) => (at < length ? requests[at] : at - length);
  /** When a held key is wanted again; 0 = not held. */
  const wanted = new Int32Array(keys);
  const heap = new Farthest(length + 1);
  const warm = length / 2;
  let size = 0;
  let hits = 0;
  for (let at = 0; at < length; at++) {
    const key = requests[at];
    if (wanted[key] > 0) {
      if (at >= warm) hits++;
    } else if (size === capacity) {
      let farthest = heap.pop();
      // What was used since stands in the heap with an old instant as well.
      while (wanted[keyAt(farthest)] !== farthest) farthest = heap.pop();
      if (farthest <= next[at]) {
        heap.push(farthest);
        continue;
      }
      wanted[keyAt(farthest)] = 0;
    } else {
      size++;
    }
    wanted[key] = next[at];
    heap.push(next[at]);
  }
  return hits / (length - warm);
}

/** A binary heap of instants, the largest on top. */
class Farthest {
  #heap;
  #size = 0;

  constructor(capacity) {
    this.#heap = new Int32Array(capacity);
  }

  push(at) {
    const heap = this.#heap;
    let place = this.#size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (heap[parent] >= at) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = at;
  }

  pop() {
    const heap = this.#heap;
    const top = heap[0];
    const at = heap[--this.#size];
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && heap[child + 1] > heap[child]) child++;
      if (heap[child] <= at) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = at;
    return top;
  }
}

/** A member of one chain at a time. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A list through its members: joining and leaving anywhere costs nothing and makes no garbage. */
export class Chain<T extends Linked<T>> {
  first: T | undefined;
  size = 0;
  #last: T | undefined;

  add(member: T): void {
    member.previous = this.#last;
    if (this.#last === undefined) {
      this.first = member;
    } else {
      this.#last.next = member;
    }
    this.#last = member;
    this.size++;
  }

  /** Only for a member. */
  remove(member: T): void {
    const { previous, next } = member;
    if (previous === undefined) {
      this.first = next;
    } else {
      previous.next = next;
    }
    if (next === undefined) {
      this.#last = previous;
    } else {
      next.previous = previous;
    }
    // Else a dead member would keep alive all that came after it.
    member.previous = undefined;
    member.next = undefined;
    this.size--;
  }

  /** As of now: they may leave while they are gone through. */
  members(): T[] {
    const all: T[] = [];
    for (let member = this.first; member !== undefined; member = member.next) {
      all.push(member);
    }
    return all;
  }
}

/** A stored value that cannot be handed out as it is. Everything else in L1 is the value itself. */
export class Boxed {
  readonly content: unknown;
  /** `copy`: holds bytes that cannot be frozen, every reader gets a copy; `error`: a remembered "not found" to be thrown again. */
  readonly kind: 'copy' | 'error';

  constructor(content: unknown, kind: 'copy' | 'error') {
    this.content = content;
    this.kind = kind;
  }
}

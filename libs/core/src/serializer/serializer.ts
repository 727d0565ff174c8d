/** Values to bytes and back. The engine adds the envelope, the size limits and the compression around it. */
export interface Serializer {
  /** A stable number from 1 to 15, written beside the payload: entries of another serializer are misses. */
  readonly id: number;
  /**
   * @param plain what `admit` found out about this value, if it was asked: `true` = JSON text alone says it all,
   *   `false` = storable, but more than JSON; absent = not checked yet. A serializer may ignore it.
   * @throws SerializationError naming the path of what has no wire form
   */
  serialize(value: unknown, plain?: boolean): Uint8Array | string;
  /** May throw on malformed bytes: the entry is then a miss. */
  deserialize(bytes: Buffer): unknown;
}

/** Lists remembered for sharing; beyond, remembering starts over. Entries keep theirs either way. */
const MOST_LISTS = 4_096;
/** Longer texts are not worth remembering: they hardly repeat. */
const LONGEST_TEXT = 1_024;

/**
 * One list for all entries that carry the same tags. Entries of a cache mostly carry one of few lists, and an array with its strings takes
 * more than the rest of an entry.
 */
export class TagLists {
  #lists = new Map<string, readonly string[]>();

  /** A list of the same tags, perhaps an older one. */
  shared(tags: readonly string[]): readonly string[] {
    // No tag holds a line break.
    const text = tags.length === 1 ? tags[0] : tags.join('\n');
    if (text.length > LONGEST_TEXT) {
      return tags;
    }
    const known = this.#lists.get(text);
    if (known !== undefined) {
      return known;
    }
    if (this.#lists.size >= MOST_LISTS) {
      this.#lists = new Map();
    }
    this.#lists.set(text, tags);
    return tags;
  }
}

/** Values that were worked out in the name of files, so that those of a file can be forgotten when it or what it needs changes. */
export class FileMemo<Key extends object, Value> {
  readonly #byFile = new Map<string, Map<Key, Value>>();

  get(path: string, key: Key): Value | undefined {
    return this.#byFile.get(path)?.get(key);
  }

  set(path: string, key: Key, value: Value): void {
    let values = this.#byFile.get(path);
    if (!values) this.#byFile.set(path, values = new Map<Key, Value>());
    values.set(key, value);
  }

  delete(path: string, key: Key): void {
    this.#byFile.get(path)?.delete(key);
  }

  of(path: string): ReadonlyMap<Key, Value> {
    return this.#byFile.get(path) ?? new Map();
  }

  *entries(): Generator<readonly [Key, Value]> {
    for (const values of this.#byFile.values()) yield* values;
  }

  forget(path: string): void {
    this.#byFile.delete(path);
  }
}

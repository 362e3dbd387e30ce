import { toAppError } from '../../core/base/errors.ts';
import { Emitter, type Disposable } from '../../core/base/events.ts';
import type { Reading } from '../../core/models/modelSnapshot.ts';

interface Entry<T> {
  readonly reading: Reading<T>;
  readonly settled: Promise<void>;
  readonly stale: boolean;
}

/** Things of the working tree that are read when something shows them, and again after `clear`; until then what was read is shown. */
export class Readings<T> implements Disposable {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #changes = new Emitter<undefined>();
  #disposed = false;

  readonly onDidChange = this.#changes.event;

  /** What is known; what is not is asked for. */
  of(key: string, read: () => Promise<T>): Reading<T> {
    return this.#entry(key, read).reading;
  }

  /** The same once it is known. */
  async settled(key: string, read: () => Promise<T>): Promise<Reading<T>> {
    await this.#entry(key, read).settled;
    return this.#entry(key, read).reading;
  }

  /** What has been read may be old. */
  clear(): void {
    if (this.#entries.size === 0) return;
    for (const [key, entry] of this.#entries) this.#entries.set(key, { ...entry, stale: true });
    this.#changes.fire(undefined);
  }

  dispose(): void {
    this.#disposed = true;
    this.#changes.dispose();
  }

  #entry(key: string, read: () => Promise<T>): Entry<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && (!known.stale || known.reading.loading)) return known;
    const before = known?.reading.value;
    const settled = read().then((value): Reading<T> => ({ value, readAt: Date.now(), loading: false }), (thrown: unknown): Reading<T> => ({ error: toAppError(thrown), failedAt: Date.now(), loading: false }))
      .then((reading) => {
        if (this.#disposed) return;
        // What was declared old meanwhile is read again by the next who asks.
        this.#entries.set(key, { reading, settled, stale: this.#entries.get(key)?.stale ?? false });
        this.#changes.fire(undefined);
      });
    const entry: Entry<T> = { reading: { ...(before === undefined ? {} : { value: before }), loading: true }, settled, stale: false };
    this.#entries.set(key, entry);
    return entry;
  }
}

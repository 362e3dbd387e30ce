/** A sample: seconds since 1970, value. */
export type Sample = readonly [time: number, value: number];

/** Increases of a counter per window, by the window's start in milliseconds. */
export type Increases = Map<number, number>;

/**
 * What a counter grew by, per window, from its samples in the order of time. A value below the one before says that the process was started anew and the counter began at 0 (as
 * Prometheus' increase does, but without its extrapolation, so that counts stay whole). A series that begins after `from` began at 0, too: its first value counts.
 */
export function addIncreases(into: Increases, samples: readonly Sample[], from: number, windowMs: number): void {
  let before: number | undefined;
  for (const [seconds, value] of samples) {
    const at = seconds * 1000;
    if (!Number.isFinite(value)) continue;
    const grown = before === undefined ? (at > from ? value : 0) : value < before ? value : value - before;
    before = value;
    // What was scraped in a window happened before the scrape: a sample at its very start belongs to the window before.
    const start = (Math.ceil(at / windowMs) - 1) * windowMs;
    if (grown !== 0) into.set(start, (into.get(start) ?? 0) + grown);
  }
}

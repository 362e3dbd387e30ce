/** A sample: seconds since 1970, value. */
export type Sample = readonly [time: number, value: number];

/** Increases of a counter per window, by the window's start in milliseconds; a window that is not in it was not told. */
export type Increases = Map<number, number>;

/** For so long Prometheus itself goes by the last sample of a series. */
const HOLDS_MS = 5 * 60_000;

/**
 * What a counter grew by, per window, from its samples in the order of time. A value below the one before says that the process was started anew and the counter began at 0 (as
 * Prometheus' increase does, but without its extrapolation, so that counts stay whole). A series that begins after `from` began at 0, too: its first value counts.
 * Told are the windows with a number, and those that begin within five minutes after one: scrapes come when they come, and what grew meanwhile shows at the next.
 */
export function addIncreases(into: Increases, samples: readonly Sample[], from: number, windowMs: number): void {
  let before: number | undefined;
  let told = Number.NEGATIVE_INFINITY;
  for (const [seconds, value] of samples) {
    const at = seconds * 1000;
    if (!Number.isFinite(value)) continue;
    const grown = before === undefined ? (at > from ? value : 0) : value < before ? value : value - before;
    before = value;
    // What was scraped in a window happened before the scrape: a sample at its very start belongs to the window before.
    const start = (Math.ceil(at / windowMs) - 1) * windowMs;
    into.set(start, (into.get(start) ?? 0) + grown);
    for (told = Math.max(told, start + windowMs); told < at + HOLDS_MS; told += windowMs) into.set(told, into.get(told) ?? 0);
  }
}

/**
 * Hits at windows whose total grew: those of a window in which it stood still belong to the nearest earlier one, or else to the nearest later, for what is hit was counted there. `lost`: the start
 * of the newest window with hits of which the total is not known.
 */
export function ontoTotals(hits: Increases, totals: Increases): { readonly placed: Increases; readonly lost: number | undefined } {
  const grown = [...totals].filter(([, total]) => total > 0).map(([start]) => start).sort((a, b) => a - b);
  const placed: Increases = new Map();
  let lost: number | undefined;
  for (const [start, count] of hits) {
    if (count === 0) continue;
    const total = totals.get(start);
    const nearest = (): number | undefined => grown.findLast((each) => each < start) ?? grown[0];
    const place = total !== undefined && total > 0 ? start : nearest();
    if (total === undefined || place === undefined) lost = Math.max(lost ?? start, start);
    else placed.set(place, (placed.get(place) ?? 0) + count);
  }
  return { placed, lost };
}

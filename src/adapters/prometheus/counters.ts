/** A sample: seconds since 1970, value. */
export type Sample = readonly [time: number, value: number];

/** Increases of a counter per window, by the window's start in milliseconds; a window that is not in it was not told. */
export type Increases = Map<number, number>;

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

/** In windows that hold several of those there were. */
export function inWider(increases: Increases, wideMs: number): Increases {
  const wide: Increases = new Map();
  for (const [start, count] of increases) {
    const at = Math.floor(start / wideMs) * wideMs;
    wide.set(at, (wide.get(at) ?? 0) + count);
  }
  return wide;
}

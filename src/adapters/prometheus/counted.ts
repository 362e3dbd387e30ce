import type { Moments } from '../../core/quality/stats/confidenceSequence.ts';
import { ontoTotals, type Increases } from './counters.ts';

/** A metric by the starts of windows. */
export interface Counted {
  readonly moments: ReadonlyMap<number, Moments>;
  /** What was not told though it must be, with the start of the newest window that is left out for it. */
  readonly lost: ReadonlyMap<string, number>;
}

/** What is told of a metric, and which of its windows. */
export interface Telling {
  /** Whether hits are those that are not bad. */
  readonly isGood: boolean;
  /** Whether the values are 0 and 1, so that their sum is that of their squares; of others it is not known where it is not told. */
  readonly isYesOrNo: boolean;
  /** The last start of a window that has ended; an expression tells no others. */
  readonly ended: number;
  /** Whether not all is told in the window that begins then. */
  readonly isPartial?: (start: number) => boolean;
}

/**
 * Counts of a metric. Where bad events are not told there may never have been one; but without good ones all would be bad, and without a sum the mean would be 0. Good ones beyond the total of their window are of windows to come: a
 * server that extrapolates tells now too many of them, now too few, and only the too few would make bad ones.
 */
export function counted(total: Increases, hits: Increases, squares: Increases | undefined, { isGood, isYesOrNo, ended, isPartial = () => false }: Telling): Counted {
  const needed: readonly (readonly [what: string, increases: Increases | undefined])[] = isGood ? [['count of good events', hits]] : isYesOrNo ? [] : [['sum', hits], ['sum of squares', squares]];
  const lost = new Map<string, number>();
  const lose = (what: string, start: number): unknown => lost.set(what, Math.max(lost.get(what) ?? start, start));
  const told = ontoTotals(hits, total);
  const squared = squares === undefined ? told : ontoTotals(squares, total);
  const moments = new Map<number, Moments>();
  let owed = 0;
  for (const [start, n] of [...total].sort(([a], [b]) => a - b)) {
    if (n <= 0 || isPartial(start)) continue;
    const untold = needed.find(([, increases]) => increases?.has(start) === false);
    if (untold !== undefined) {
      if (start <= ended) lose(untold[0], start);
      continue;
    }
    const placed = told.placed.get(start) ?? 0;
    const bad = n - placed - owed;
    if (isGood) owed = Math.max(0, -bad);
    const own = isGood ? Math.max(0, bad) : placed;
    moments.set(start, { n, sum: own, squares: squares === undefined ? (isYesOrNo ? own : Number.NaN) : squared.placed.get(start) ?? 0 });
  }
  for (const each of [told.lost, squared.lost]) if (each !== undefined) lose('total', each);
  return { moments, lost };
}

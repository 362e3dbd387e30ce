/** How far two numbers may lie apart; both at least 0. */
export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** Where nothing is said, as for `math.isclose`: the last digits of a score depend on the rows that were asked for with it. */
export const DEFAULT_TOLERANCE: Tolerance = { abs: 0, rel: 1e-9 };

/** What a tolerance comes to between two numbers: `max(rel * max(|a|, |b|), abs)`, as Python's `math.isclose`. */
export function slack({ abs, rel }: Tolerance, a: number, b: number): number {
  return Math.max(rel * Math.max(Math.abs(a), Math.abs(b)), abs);
}

/** Python's `math.isclose(a, b, rel_tol=rel, abs_tol=abs)` (PEP 485): symmetric; NaN is close to nothing, an infinity to itself only. */
export function isClose(a: number, b: number, tolerance: Tolerance): boolean {
  if (a === b) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= slack(tolerance, a, b);
}

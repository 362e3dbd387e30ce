import type { Moments } from './stats/confidenceSequence.ts';
import { wilson, type Interval } from './stats/intervals.ts';

/** Whether all values were 0 or 1: only then are the sum and the sum of squares the same. True as well where there are none. */
export function areProportions(all: readonly Moments[]): boolean {
  return all.every(({ n, sum, squares }) => sum >= 0 && sum <= n && Math.abs(sum - squares) < 1e-9 * Math.max(1, squares));
}

/**
 * Wilson's interval (95 %) of a proportion at one look; undefined without values. Counts are divided by the dispersion, for requests of one unit are not independent
 * (`stats/intervals.ts`, `stats/dispersion.ts`). Verdicts go by intervals that hold at every look.
 */
export function proportionInterval({ n, sum }: Pick<Moments, 'n' | 'sum'>, dispersion: number): Interval | undefined {
  return n === 0 ? undefined : wilson(Math.min(n, sum) / dispersion, n / dispersion);
}

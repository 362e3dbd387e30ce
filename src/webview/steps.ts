import type { Chart, Series } from '../shared/dashboard.ts';

/** Points of a chart and of the series that have their own, in order; and the values of a series at all of them. */
interface Aligned {
  readonly x: number[];
  /** A step with points of its own holds until the next; null: not known. Where another series has no point it is undefined, and its line goes on. */
  readonly valuesOf: (series: Series) => (number | null | undefined)[];
}

/** One axis for series that have other points: whoever draws them takes values at common points only. */
export function alignedSteps({ x: points, series }: Pick<Chart, 'x' | 'series'>): Aligned {
  if (series.every(({ x }) => x === undefined)) return { x: [...points], valuesOf: ({ values }) => [...values] };
  const x = [...new Set([...points, ...series.flatMap((each) => each.x ?? [])])].sort((a, b) => a - b);
  return {
    x,
    valuesOf: ({ x: own, values }) => {
      const known = new Map((own ?? points).map((at, index) => [at, values[index]]));
      if (own === undefined) return x.map((at) => known.get(at));
      let held: number | null | undefined = undefined;
      return x.map((at) => {
        if (known.has(at)) held = known.get(at);
        return at > (own.at(-1) ?? at) ? undefined : held;
      });
    },
  };
}

import { psi, quantileEdges, binOf, wasserstein } from './stats/driftMeasures.ts';
import { mcnemar } from './stats/fixedTests.ts';
import { wilson, type Interval } from './stats/intervals.ts';
import { quantile } from './stats/orderStatistics.ts';
import type { ShadowPairs } from './window.ts';

/** The candidate's shadow against what was served, on the same requests. */
export interface ShadowReport {
  readonly pairs: number;
  readonly unpaired: number;
  readonly errors: number;
  readonly agreement: { readonly share: number; readonly interval: Interval };
  readonly difference: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly wasserstein: number;
  readonly psi: number;
  readonly mcnemar?: { readonly labelled: number; readonly onlyServedRight: number; readonly onlyShadowRight: number; readonly statistic: number; readonly p: number; readonly exact: boolean };
  /** The slices that agree least, with at least 30 pairs each. */
  readonly slices: readonly { readonly slice: string; readonly pairs: number; readonly agreement: number; readonly interval: Interval }[];
  readonly examples: ShadowPairs['examples'];
}

const LEAST_PAIRS = 30;

export function shadowReport({ pairs, unpaired, agreed, errors, served, shadow, differences, onlyServedRight, onlyShadowRight, labelled, slices, examples }: ShadowPairs): ShadowReport {
  const [own, other] = [Float64Array.from(served).sort(), Float64Array.from(shadow).sort()];
  const sorted = Float64Array.from(differences).sort();
  const edges = quantileEdges(own);
  const counts = (values: Float64Array): number[] => values.reduce<number[]>((sums, value) => { sums[binOf(edges, value)] = (sums[binOf(edges, value)] ?? 0) + 1; return sums; }, new Array<number>(edges.length + 1).fill(0));
  return {
    pairs, unpaired, errors, examples,
    agreement: { share: agreed / pairs, interval: wilson(agreed, pairs) },
    difference: { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: examples[0]?.difference ?? (pairs > 0 ? 0 : Number.NaN) },
    wasserstein: own.length > 0 && other.length > 0 ? wasserstein(own, other) : Number.NaN,
    psi: own.length > 0 && other.length > 0 ? psi(counts(own), counts(other)) : Number.NaN,
    ...(labelled === 0 ? {} : { mcnemar: { labelled, onlyServedRight, onlyShadowRight, ...mcnemar(onlyServedRight, onlyShadowRight) } }),
    slices: slices.filter((slice) => slice.pairs >= LEAST_PAIRS).map(({ slice, pairs: all, agreed: same }) => ({ slice, pairs: all, agreement: same / all, interval: wilson(same, all) })).sort((a, b) => a.agreement - b.agreement).slice(0, 10),
  };
}

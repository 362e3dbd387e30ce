import { binOf, psi, quantileEdges, wasserstein } from './stats/driftMeasures.ts';
import { mcnemar } from './stats/fixedTests.ts';
import { wilson, type Interval } from './stats/intervals.ts';
import { quantile } from './stats/orderStatistics.ts';
import type { ShadowPairs } from './window.ts';

/** The candidate's shadow against what was served, on the same requests of an environment. */
export interface ShadowReport extends Pick<ShadowPairs, 'environment' | 'version' | 'otherVersions' | 'oneIn' | 'labelledOneIn' | 'pairs' | 'notProbable' | 'unpaired' | 'dropped' | 'servedNothing' | 'shadowNothing' | 'servedErrors' | 'errors' | 'examples'> {
  /** When a shadow answer of the version was first logged; missing where none was. */
  readonly since?: string;
  /** Of pairs that decide something, the share in which both decide the same; missing where there are pairs, but no decisions. */
  readonly agreement?: { readonly decided: number; readonly share: number; readonly interval: Interval };
  readonly difference: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly wasserstein: number;
  readonly psi: number;
  /** Missing where no pair has an outcome, and where it would say something wrong: `unjudged`. */
  readonly mcnemar?: { readonly labelled: number; readonly onlyServedRight: number; readonly onlyShadowRight: number; readonly statistic: number; readonly p: number; readonly exact: boolean };
  /** Why there is no McNemar though pairs have outcomes: labels or outcomes are of more classes than two, of which no outcome shows which of two answers is right; or that there is no outcome means something (`absent_means`), so that pairs with one are not all. */
  readonly unjudged?: 'classes' | 'absence';
  /** The slices that agree least, or, where there are no decisions, differ most, with at least 30 pairs each. */
  readonly slices: readonly ShadowSlice[];
}

export interface ShadowSlice {
  readonly slice: string;
  readonly pairs: number;
  /** Missing where there are no decisions. */
  readonly agreement?: { readonly decided: number; readonly share: number; readonly interval: Interval };
  /** The mean of |score difference|. */
  readonly difference: number;
}

const LEAST_PAIRS = 30;
const MOST_SLICES = 10;
/** Scores are no probabilities when more than one pair in so many has one that lies outside of 0 to 1: a few may be by rounding. */
const NOT_PROBABLE_IN = 100;

function agreementOf({ decided, agreed }: { readonly decided: number; readonly agreed: number }): NonNullable<ShadowReport['agreement']> {
  return { decided, share: agreed / decided, interval: wilson(agreed, decided) };
}

/** The counts of values in bins. */
function countsIn(edges: readonly number[], values: Float64Array): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const bin = binOf(edges, value);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function slicesOf({ slices }: ShadowPairs, hasDecisions: boolean): ShadowSlice[] {
  const found = slices.filter((slice) => (hasDecisions ? slice.decided : slice.scored) >= LEAST_PAIRS)
    .map(({ slice, pairs, scored, differences, ...each }): ShadowSlice => ({ slice, pairs, difference: differences / scored, ...(hasDecisions ? { agreement: agreementOf(each) } : {}) }));
  return found.sort((a, b) => (hasDecisions ? (a.agreement?.share ?? 0) - (b.agreement?.share ?? 0) : b.difference - a.difference)).slice(0, MOST_SLICES);
}

/** See `ShadowReport.unjudged`. */
function unjudgedOf({ labelled, byLabel, ofClasses, hasOtherOutcomes, absentMeans }: ShadowPairs): ShadowReport['unjudged'] {
  if (labelled === 0) return undefined;
  if (ofClasses > 0 || (hasOtherOutcomes && byLabel > 0)) return 'classes';
  return absentMeans === undefined ? undefined : 'absence';
}

export function shadowReport(found: ShadowPairs): ShadowReport {
  const { environment, version, since, otherVersions, oneIn, labelledOneIn, pairs, unpaired, dropped, decided, notProbable, servedNothing, shadowNothing, servedErrors, errors, served, shadow, differences, onlyServedRight, onlyShadowRight, labelled, examples } = found;
  const [own, other] = [Float64Array.from(served).sort(), Float64Array.from(shadow).sort()];
  const sorted = Float64Array.from(differences).sort();
  const edges = quantileEdges(own);
  const unjudged = unjudgedOf(found);
  const hasDecisions = pairs === 0 || (decided > 0 && notProbable * NOT_PROBABLE_IN <= pairs);
  return {
    environment, ...(version === undefined ? {} : { version }), ...(Number.isFinite(since) ? { since: new Date(since).toISOString() } : {}), otherVersions, oneIn, labelledOneIn,
    pairs, notProbable, unpaired, dropped, servedNothing, shadowNothing, servedErrors, errors, examples,
    ...(hasDecisions ? { agreement: agreementOf(found) } : {}),
    difference: { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: examples[0]?.difference ?? (pairs > 0 ? 0 : Number.NaN) },
    wasserstein: own.length > 0 && other.length > 0 ? wasserstein(own, other) : Number.NaN,
    psi: own.length > 0 && other.length > 0 ? psi(countsIn(edges, own), countsIn(edges, other)) : Number.NaN,
    ...(unjudged !== undefined ? { unjudged } : labelled === 0 || !hasDecisions ? {} : { mcnemar: { labelled, onlyServedRight, onlyShadowRight, ...mcnemar(onlyServedRight, onlyShadowRight) } }),
    slices: slicesOf(found, hasDecisions),
  };
}

/** The pairs of an environment. */
export function shadowIn(shadow: readonly ShadowPairs[] | undefined, environment: string): ShadowPairs | undefined {
  return shadow?.find((each) => each.environment === environment);
}

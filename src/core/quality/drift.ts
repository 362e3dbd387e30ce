import { FLOOR, jensenShannon, kolmogorovSmirnov, kolmogorovSmirnovP, psi, psiNoise, PSI_MATTERS, quantileEdges, binOf, wasserstein } from './stats/driftMeasures.ts';
import { chiSquaredTable } from './stats/fixedTests.ts';
import type { FeatureSample } from './window.ts';

export const BINS = 10;
const LEVEL = 0.05;

/** Measures of one feature; each with its definition in `DRIFT_DEFINITIONS`. */
export interface FeatureDrift {
  readonly feature: string;
  readonly kind: 'number' | 'category';
  readonly reference: { readonly rows: number; readonly missing: number };
  readonly production: { readonly rows: number; readonly missing: number };
  readonly psi: number;
  /** PSI that chance alone exceeds with 5 % over all features together. */
  readonly noise: number;
  readonly jensenShannon: number;
  readonly kolmogorovSmirnov?: { readonly distance: number; readonly p: number };
  readonly wasserstein?: number;
  readonly chiSquared?: { readonly statistic: number; readonly degrees: number; readonly p: number };
  /** Categories that the reference does not have, with their share; or the share of numbers outside of its range. */
  readonly unseen: readonly string[];
  readonly unseenShare: number;
  /** Counts in the same bins, for a picture. */
  readonly bins: { readonly labels: readonly string[]; readonly reference: readonly number[]; readonly production: readonly number[] };
  readonly alarm: boolean;
  readonly because: string;
}

/** What each number is: definitions differ between tools. */
export const DRIFT_DEFINITIONS: Readonly<Record<string, string>> = {
  psi: `sum of (a - b) ln(a / b) over ${BINS} bins of equal share of the reference (a bin per category), natural logarithm, shares floored at ${FLOOR}`,
  noise: `what PSI exceeds by chance in 5 % over all features together: chi-squared(bins - 1) (1/n + 1/m) with n and m units; alarm above the larger of this and ${PSI_MATTERS}`,
  jensenShannon: 'square root of the Jensen-Shannon divergence in base 2 over the same bins: 0 to 1',
  kolmogorovSmirnov: 'largest distance of the empirical distribution functions of samples of at most 5,000 values; p with the units',
  wasserstein: 'area between the same functions, in units of the feature',
  chiSquared: 'Pearson\'s chi-squared of the categories\' counts, scaled to units',
  missing: 'share of records without a value: missing, null, NaN or no number where the reference has numbers',
  unseen: 'share of categories that the reference does not have, or of numbers outside of its range',
};

interface Binned {
  readonly labels: readonly string[];
  readonly reference: readonly number[];
  readonly production: readonly number[];
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function numberBins(reference: FeatureSample, production: FeatureSample, edges: readonly number[]): Binned {
  const counted = ({ values, binned }: FeatureSample): readonly number[] => {
    if (binned !== undefined && binned.edges.length === edges.length && binned.edges.every((edge, index) => edge === edges[index])) return binned.counts;
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const value of values) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
    return counts;
  };
  const labels = Array.from({ length: edges.length + 1 }, (_, bin) => (bin === 0 ? `<= ${shown(edges[0] ?? Number.NaN)}` : bin === edges.length ? `> ${shown(edges[bin - 1] ?? 0)}` : `${shown(edges[bin - 1] ?? 0)} to ${shown(edges[bin] ?? 0)}`));
  return { labels: edges.length === 0 ? ['all'] : labels, reference: counted(reference), production: counted(production) };
}

function categoryBins(reference: FeatureSample, production: FeatureSample): Binned {
  const names = [...new Set([...Object.keys(reference.categories), ...Object.keys(production.categories)])].sort();
  const counts = ({ categories, otherCategories }: FeatureSample): number[] => [...names.map((name) => (Object.hasOwn(categories, name) ? categories[name] ?? 0 : 0)), otherCategories];
  const [a, b] = [counts(reference), counts(production)];
  const last = names.length;
  const without = (a[last] ?? 0) + (b[last] ?? 0) === 0;
  return { labels: without ? names : [...names, 'others'], reference: without ? a.slice(0, -1) : a, production: without ? b.slice(0, -1) : b };
}

/** How many units each side has; rows of one unit are not independent. */
export interface DriftUnits {
  readonly reference: number;
  readonly production: number;
}

/** How many independent values what is compared stands for: no more than units, than values that are there, and than were sampled where nothing counted them in bins. */
function effective({ rows, missing, values, binned }: FeatureSample, units: number): number {
  return Math.max(1, Math.min(units, rows - missing, binned === undefined && values.length > 0 ? values.length : Number.POSITIVE_INFINITY));
}

/** The feature in production against the reference. `features`: how many are looked at together. */
export function featureDrift(reference: FeatureSample, production: FeatureSample, units: DriftUnits, features: number): FeatureDrift {
  const [n, m] = [effective(reference, units.reference), effective(production, units.production)];
  const isCategory = reference.values.length === 0 && (Object.keys(reference.categories).length > 0 || production.values.length === 0);
  const sorted = isCategory ? undefined : { reference: Float64Array.from(reference.values).sort(), production: Float64Array.from(production.values).sort() };
  const bins = sorted === undefined ? categoryBins(reference, production) : numberBins(reference, production, reference.binned?.edges ?? quantileEdges(sorted.reference, BINS));
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
  const common = {
    feature: reference.name, bins,
    reference: { rows: reference.rows, missing: reference.missing / Math.max(1, reference.rows) },
    production: { rows: production.rows, missing: production.missing / Math.max(1, production.rows) },
  };
  if (sum(bins.reference) === 0 || sum(bins.production) === 0) {
    const because = sum(bins.reference) === 0 ? 'the reference has no value' : 'production has no value';
    return { ...common, kind: isCategory ? 'category' : 'number', psi: Number.NaN, noise: Number.NaN, jensenShannon: Number.NaN, unseen: [], unseenShare: 0, alarm: sum(bins.reference) > 0 && production.rows > 100, because };
  }
  const index = psi(bins.reference, bins.production);
  const noise = bins.labels.length < 2 ? 0 : psiNoise(bins.labels.length, n, m, LEVEL / Math.max(1, features));
  const alarm = index > Math.max(PSI_MATTERS, noise);
  const shared = { ...common, psi: index, noise, jensenShannon: jensenShannon(bins.reference, bins.production), alarm, because: alarm ? `PSI ${index.toFixed(3)} is above ${Math.max(PSI_MATTERS, noise).toFixed(3)}` : `PSI ${index.toFixed(3)} is not above ${Math.max(PSI_MATTERS, noise).toFixed(3)}` };
  return sorted === undefined ? { ...shared, ...categories(reference, production, bins, n, m) } : { ...shared, ...numbers(sorted, production, n, m) };
}

function categories(reference: FeatureSample, production: FeatureSample, bins: Binned, n: number, m: number): Pick<FeatureDrift, 'kind' | 'chiSquared' | 'unseen' | 'unseenShare'> {
  const unseen = Object.keys(production.categories).filter((name) => !Object.hasOwn(reference.categories, name));
  const all = Object.values(production.categories).reduce((sum, count) => sum + count, production.otherCategories);
  const scaled = (counts: readonly number[], size: number): number[] => { const total = counts.reduce((sum, count) => sum + count, 0); return counts.map((count) => (count * size) / total); };
  return {
    kind: 'category',
    chiSquared: chiSquaredTable([scaled(bins.reference, n), scaled(bins.production, m)]),
    unseen: unseen.slice(0, 10),
    unseenShare: unseen.reduce((sum, name) => sum + (production.categories[name] ?? 0), 0) / all,
  };
}

function numbers({ reference, production }: { readonly reference: Float64Array; readonly production: Float64Array }, sample: FeatureSample, n: number, m: number): Pick<FeatureDrift, 'kind' | 'kolmogorovSmirnov' | 'wasserstein' | 'unseen' | 'unseenShare'> {
  const distance = kolmogorovSmirnov(reference, production);
  const [least, most] = [reference[0] ?? 0, reference[reference.length - 1] ?? 0];
  const texts = Object.keys(sample.categories);
  return {
    kind: 'number',
    kolmogorovSmirnov: { distance, p: kolmogorovSmirnovP(distance, Math.min(n, reference.length), Math.min(m, production.length)) },
    wasserstein: wasserstein(reference, production),
    unseen: texts.slice(0, 10),
    unseenShare: production.filter((value) => value < least || value > most).length / production.length,
  };
}

/** Every feature that both have, and those that one of them lacks. */
export function driftReport(reference: readonly FeatureSample[], production: readonly FeatureSample[], units: DriftUnits): { readonly features: readonly FeatureDrift[]; readonly onlyReference: readonly string[]; readonly onlyProduction: readonly string[] } {
  const own = new Map(production.map((sample) => [sample.name, sample]));
  const known = new Map(reference.map((sample) => [sample.name, sample]));
  const hasValues = ({ rows, missing }: FeatureSample): boolean => rows > missing;
  const both = reference.filter((sample) => hasValues(sample) && own.has(sample.name));
  return {
    features: both.map((sample) => featureDrift(sample, own.get(sample.name) ?? sample, units, both.length)).sort((a, b) => b.psi - a.psi),
    onlyReference: reference.filter((sample) => hasValues(sample) && !own.has(sample.name)).map(({ name }) => name),
    onlyProduction: production.filter((sample) => hasValues(sample) && !(known.has(sample.name) && hasValues(known.get(sample.name) ?? sample))).map(({ name }) => name),
  };
}

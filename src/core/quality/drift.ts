import { BINS, categoryBins, isUnseenKnown, numberBins, type Binned, type Cells, type Sizes } from './driftBins.ts';
import { numbersIn, textsIn } from './joinedSamples.ts';
import { FLOOR, jensenShannon, kolmogorovSmirnov, kolmogorovSmirnovP, psi, psiNoise, PSI_MATTERS, quantileEdges, wasserstein } from './stats/driftMeasures.ts';
import { chiSquaredTable } from './stats/fixedTests.ts';
import { clopperPearson } from './stats/intervals.ts';
import type { FeatureSample } from './window.ts';

const LEVEL = 0.05;
/** With fewer units on a side nothing is measured: not even two cells would have five each. */
const LEAST_UNITS = 10;
/** With fewer units of the reference its quantiles, which are the edges of the bins, are themselves chance. */
const LEAST_REFERENCE = 100;

/** Measures of one feature; each with its definition in `DRIFT_DEFINITIONS`. NaN: not measured, and `because` says why. */
export interface FeatureDrift {
  readonly feature: string;
  readonly kind: 'number' | 'category';
  readonly reference: { readonly rows: number; readonly missing: number };
  readonly production: { readonly rows: number; readonly missing: number };
  readonly psi: number;
  /** PSI of two shares: of what is there, and of what is missing. */
  readonly missingPsi: number;
  /** PSI that chance alone exceeds with 5 % over all features together. */
  readonly noise: number;
  readonly jensenShannon: number;
  readonly kolmogorovSmirnov?: { readonly distance: number; readonly p: number };
  readonly wasserstein?: number;
  readonly chiSquared?: { readonly statistic: number; readonly degrees: number; readonly p: number };
  /** Categories that the reference does not have, or texts where it has numbers; and the share of all that it does not have, with numbers outside of its range. NaN: not known. */
  readonly unseen: readonly string[];
  readonly unseenShare: number;
  /** Counts in the same bins, for a picture. */
  readonly bins: { readonly labels: readonly string[]; readonly reference: readonly number[]; readonly production: readonly number[] };
  readonly alarm: boolean;
  readonly because: string;
}

/** What each number is: definitions differ between tools. */
export const DRIFT_DEFINITIONS: Readonly<Record<string, string>> = {
  psi: `sum of (a - b) ln(a / b) over ${BINS} bins of equal share of the reference, neighbours as one until five units are expected in each, a value that fills a bin in one of its own (or over the categories, rare ones in groups by a hash of their name), natural logarithm, shares floored at ${FLOOR}`,
  noise: `what PSI exceeds by chance in 5 % over all features together: chi-squared(bins - 1) (1/n + 1/m) with n and m units; alarm above the larger of this and ${PSI_MATTERS} where chi-squared says so, too`,
  jensenShannon: 'square root of the Jensen-Shannon divergence in base 2 over the same bins: 0 to 1',
  kolmogorovSmirnov: 'largest distance of the empirical distribution functions of samples of at most 5,000 values; p with the units',
  wasserstein: 'area between the same functions, in units of the feature',
  chiSquared: 'Pearson\'s chi-squared of the counts of the same bins, or categories and groups, scaled to units',
  missing: `share of records without a value: missing, null, NaN or no number where the reference has numbers; alarm where PSI of the two shares, there and missing, is above ${PSI_MATTERS} and their exact intervals (95 % over all features together) are apart`,
  rare: `what is too rare for a bin or cell, together: alarm as of missing values; it has bins of its own where it alarms`,
  unseen: 'share of values that the reference does not have: other categories, numbers outside of its range, texts where it has numbers; not known where it has more categories than are kept',
};

/** How many units each side has; rows of one unit are not independent. */
export interface DriftUnits {
  readonly reference: number;
  readonly production: number;
}

type Kind = FeatureDrift['kind'];

/** How many values can be compared: texts are none where the reference has numbers. */
function comparable(sample: FeatureSample, kind: Kind): number {
  return kind === 'number' ? numbersIn(sample) : sample.rows - sample.missing;
}

/** How many independent values what is compared stands for: no more than units, than values that are there, and than were sampled where nothing counted them in bins. */
function effective(sample: FeatureSample, units: number, kind: Kind): number {
  return Math.max(1, Math.min(units, comparable(sample, kind), kind === 'number' && sample.binned === undefined ? sample.values.length : Number.POSITIVE_INFINITY));
}

/** As most of the reference's values are; where they were counted in bins, or by a list of categories, that was decided before. */
function kindOf(reference: FeatureSample, production: FeatureSample): Kind {
  if (reference.binned !== undefined) return 'number';
  if (reference.isListed === true) return 'category';
  const [numbers, texts] = [numbersIn(reference), textsIn(reference)];
  return numbers + texts === 0 ? (numbersIn(production) > 0 ? 'number' : 'category') : numbers >= texts ? 'number' : 'category';
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

interface ShareShift { readonly psi: number; readonly alarm: boolean; readonly words: string }

/**
 * Whether two shares differ, such as those of missing values. PSI is what it is for values; that it is no chance, intervals say that do not overlap (Clopper and Pearson, of half of the level each): exact also where hardly any
 * value is of that kind on one side.
 */
function shareShift(what: string, [reference, production]: readonly [reference: number, production: number], { n, m }: Sizes, level: number): ShareShift {
  const index = psi([1 - reference, reference], [1 - production, production]);
  return { psi: index, alarm: index > PSI_MATTERS && isApart([reference, production], { n, m }, level), words: `${what} ${percent(reference)} -> ${percent(production)} (PSI ${index.toFixed(3)} is above ${PSI_MATTERS.toFixed(3)})` };
}

function isApart([reference, production]: readonly [reference: number, production: number], { n, m }: Sizes, level: number): boolean {
  const [a, b] = [clopperPearson(reference * n, n, 1 - level / 2), clopperPearson(production * m, m, 1 - level / 2)];
  return a.high < b.low || b.high < a.low;
}

function shareOf(part: number, counts: readonly number[]): number {
  return part / counts.reduce((sum, count) => sum + count, 0);
}

/** Pearson's chi-squared of the counts as if they were of so many units. */
function chiSquaredOf({ reference, production }: Binned, { n, m }: Sizes): ReturnType<typeof chiSquaredTable> {
  const scaled = (counts: readonly number[], size: number): number[] => counts.map((count) => shareOf(count, counts) * size);
  return chiSquaredTable([scaled(reference, n), scaled(production, m)]);
}

interface Shift { readonly bins: Binned; readonly psi: number; readonly noise: number; readonly isShifted: boolean; readonly words: string; readonly rare: ShareShift | undefined }

/** Whether shares of cells differ, or the share of what is too rare for a cell: by itself where it is one with others, which would hide that all of production is such. */
function cellShift({ cells, isSparse, rare: few }: Cells, sizes: Sizes, level: number, isElsewhere: boolean): Shift {
  const rare = few === undefined ? undefined : shareShift('rare values', [shareOf(few.reference, cells.reference), shareOf(few.production, cells.production)], sizes, level);
  const noiseOf = ({ labels }: Binned): number => (labels.length < 2 ? 0 : psiNoise(labels.length, sizes.n, sizes.m, level));
  const isMore = isElsewhere && (isSparse ? cells.labels.length === 2 && isApart([shareOf(cells.reference[0] ?? 0, cells.reference), shareOf(cells.production[0] ?? 0, cells.production)], sizes, level) : chiSquaredOf(cells, sizes).p < level);
  const [index, limit] = [psi(cells.reference, cells.production), Math.max(PSI_MATTERS, noiseOf(cells))];
  const bins = rare?.alarm === true ? few?.cells ?? cells : cells;
  const chance = index <= limit || isMore ? '' : isSparse ? ', but exact intervals overlap' : ', but chi-squared is within chance';
  return { bins, psi: psi(bins.reference, bins.production), noise: noiseOf(bins), isShifted: index > limit && isMore, words: `PSI ${index.toFixed(3)} is ${index > limit ? '' : 'not '}above ${limit.toFixed(3)}${chance}`, rare };
}

/** Says it where most values of production, but not of the reference, are of another type. */
function typeWords(reference: FeatureSample, production: FeatureSample, kind: Kind): string[] {
  const isMost = (count: (sample: FeatureSample) => number | undefined): boolean => {
    const [own, other] = [reference, production].map((sample) => (count(sample) ?? 0) / Math.max(1, sample.rows - sample.missing + (sample.nested ?? 0)));
    return (other ?? 0) > 0.5 && (own ?? 0) <= 0.5;
  };
  if (isMost(({ nested }) => nested)) return ['production has lists or mappings'];
  if (kind === 'number') return isMost(textsIn) ? ['the reference has numbers, production texts'] : [];
  return isMost((sample) => numbersIn(sample) + (sample.numbersAsTexts ?? 0)) ? ['the reference has texts, production numbers'] : [];
}

/** The feature in production against the reference. `features`: how many are looked at together. */
export function featureDrift(reference: FeatureSample, production: FeatureSample, units: DriftUnits, features: number): FeatureDrift {
  const kind = kindOf(reference, production);
  const level = LEVEL / Math.max(1, features);
  const sizes = { n: effective(reference, units.reference, kind), m: effective(production, units.production, kind) };
  const sorted = { reference: Float64Array.from(reference.values).sort(), production: Float64Array.from(production.values).sort() };
  const found = kind === 'category' ? categoryBins(reference, production, sizes) : numberBins(reference, production, reference.binned?.edges ?? quantileEdges(sorted.reference, BINS), sizes);
  const [own, other] = [reference, production].map((sample) => ({ rows: sample.rows, missing: sample.rows === 0 ? 0 : (sample.rows - comparable(sample, kind)) / sample.rows })) as [FeatureDrift['reference'], FeatureDrift['production']];
  const missing = shareShift('missing', [own.missing, other.missing], { n: Math.min(units.reference, own.rows), m: Math.min(units.production, other.rows) }, level);
  const common = { feature: reference.name, kind, reference: own, production: other, missingPsi: missing.psi };
  const words = [...(missing.alarm ? [missing.words] : []), ...typeWords(reference, production, kind)];
  const unmeasured = unmeasuredWords(reference, production, kind, sizes) ?? (isOneBin(found.cells, sorted, kind) ? 'all values lie in one bin' : undefined);
  if (unmeasured !== undefined) {
    return { ...common, bins: found.cells, psi: Number.NaN, noise: Number.NaN, jensenShannon: Number.NaN, unseen: [], unseenShare: Number.NaN, alarm: comparable(reference, kind) > 0 && missing.alarm, because: [unmeasured, ...words].join('; ') };
  }
  const measures = kind === 'category' ? categories(reference, production) : numbers(sorted, reference, production, sizes);
  const { bins, psi: index, noise, isShifted, words: shift, rare } = cellShift(found, sizes, level, sizes.n >= LEAST_REFERENCE || (measures.kolmogorovSmirnov?.p ?? 0) < level);
  const measured = { ...measures, chiSquared: chiSquaredOf(bins, sizes) };
  const rareWords = rare?.alarm === true ? [rare.words] : [];
  const alarm = isShifted || missing.alarm || rareWords.length > 0;
  return { ...common, ...measured, bins, psi: index, noise, jensenShannon: jensenShannon(bins.reference, bins.production), alarm, because: [...(isShifted || !alarm ? [shift] : []), ...rareWords, ...words].join('; ') };
}

/** Why values cannot be compared; undefined: they can. */
function unmeasuredWords(reference: FeatureSample, production: FeatureSample, kind: Kind, { n, m }: Sizes): string | undefined {
  if (comparable(reference, kind) <= 0) return 'the reference has no value';
  if (comparable(production, kind) <= 0) return kind === 'number' && textsIn(production) > 0 ? 'production has no number' : 'production has no value';
  const few = ([['the reference', n], ['production', m]] as const).filter(([, units]) => units < LEAST_UNITS).map(([who, units]) => `${who} has ${Math.floor(units)}`);
  return few.length === 0 ? undefined : `not measured by fewer than ${LEAST_UNITS} units: ${few.join(', ')}`;
}

/** Whether numbers that differ lie in one bin, which says nothing of them. A constant that stays is another thing. */
function isOneBin({ labels }: Binned, { reference, production }: { readonly reference: Float64Array; readonly production: Float64Array }, kind: Kind): boolean {
  const [least, most] = [Math.min(reference[0] ?? 0, production[0] ?? 0), Math.max(reference.at(-1) ?? 0, production.at(-1) ?? 0)];
  return kind === 'number' && labels.length < 2 && least !== most && reference.length > 0 && production.length > 0;
}

function categories(reference: FeatureSample, production: FeatureSample): Pick<FeatureDrift, 'kolmogorovSmirnov' | 'unseen' | 'unseenShare'> {
  const unseen = Object.keys(production.categories).filter((name) => (production.categories[name] ?? 0) > 0 && !Object.hasOwn(reference.categories, name));
  const isKnown = isUnseenKnown(reference, production);
  // What the reference has is not among the others.
  const named = Object.keys(reference.categories).reduce((sum, name) => sum + (Object.hasOwn(production.categories, name) ? production.categories[name] ?? 0 : 0), 0);
  const known = named + (numbersIn(reference) > 0 ? numbersIn(production) : 0);
  const all = comparable(production, 'category');
  return { unseen: isKnown ? [...unseen, ...production.someOthers ?? []].slice(0, 10) : [], unseenShare: isKnown ? (all - known) / all : Number.NaN };
}

function numbers({ reference, production }: { readonly reference: Float64Array; readonly production: Float64Array }, own: FeatureSample, other: FeatureSample, { n, m }: { readonly n: number; readonly m: number }): Pick<FeatureDrift, 'kolmogorovSmirnov' | 'wasserstein' | 'unseen' | 'unseenShare'> {
  const distance = kolmogorovSmirnov(reference, production);
  const [least, most] = [reference[0] ?? 0, reference[reference.length - 1] ?? 0];
  const texts = Object.keys(other.categories).filter((name) => !Object.hasOwn(own.categories, name));
  const unseenTexts = texts.reduce((sum, name) => sum + (other.categories[name] ?? 0), other.otherCategories);
  const outside = production.filter((value) => value < least || value > most).length / production.length;
  return {
    kolmogorovSmirnov: { distance, p: kolmogorovSmirnovP(distance, Math.min(n, reference.length), Math.min(m, production.length)) },
    wasserstein: wasserstein(reference, production),
    unseen: texts.slice(0, 10),
    unseenShare: (outside * numbersIn(other) + unseenTexts) / (other.rows - other.missing),
  };
}

/** The larger of the shifts of what is there, and of how much is. */
export function largestPsi({ psi: index, missingPsi }: Pick<FeatureDrift, 'psi' | 'missingPsi'>): number {
  return Math.max(Number.isNaN(index) ? 0 : index, missingPsi);
}

export interface DriftReport {
  readonly features: readonly FeatureDrift[];
  readonly onlyReference: readonly string[];
  readonly onlyProduction: readonly string[];
  /** Lists and mappings, which have no shares of values. */
  readonly notMeasured: readonly string[];
}

export type DriftVerdict = 'alarm' | 'no alarm' | 'insufficient data';

/** A feature that has too few values or units tells nothing, but that it is missing: that is neither alarm nor all-clear. */
export function driftVerdict({ psi: index, alarm }: Pick<FeatureDrift, 'psi' | 'alarm'>): DriftVerdict {
  return alarm ? 'alarm' : Number.isNaN(index) ? 'insufficient data' : 'no alarm';
}

/** Whether anything at all was measured. */
export function isMeasured({ features }: DriftReport): boolean {
  return features.some((each) => driftVerdict(each) !== 'insufficient data');
}

/** The prediction itself, which is logged as a score or as a label. */
export const PREDICTION: ReadonlySet<string> = new Set(['score', 'label']);

/** A feature of which no record of production says anything. */
function nothingOf({ name }: FeatureSample, rows: number): FeatureSample {
  return { name, rows, missing: rows, values: [], categories: {}, otherCategories: 0 };
}

/**
 * Every feature that both have, and those that one of them lacks.
 *
 * @param isGone whether a feature that production lacks is missing there, and not just none that is logged: then it is measured, as one that every record misses. Not asked of the prediction.
 */
export function driftReport(reference: readonly FeatureSample[], production: readonly FeatureSample[], units: DriftUnits, isGone: (name: string) => boolean = () => false): DriftReport {
  const hasValues = ({ rows, missing }: FeatureSample): boolean => rows > missing;
  // That a service logs labels and no scores is no drift.
  const isThere = (sample: FeatureSample): boolean => hasValues(sample) || !PREDICTION.has(sample.name);
  const own = new Map(production.filter(isThere).map((sample) => [sample.name, sample]));
  const rows = Math.max(0, ...production.map((sample) => sample.rows));
  for (const sample of reference) if (rows > 0 && hasValues(sample) && !own.has(sample.name) && !PREDICTION.has(sample.name) && isGone(sample.name)) own.set(sample.name, nothingOf(sample, rows));
  const known = new Map(reference.map((sample) => [sample.name, sample]));
  const both = reference.filter((sample) => hasValues(sample) && own.has(sample.name));
  return {
    features: both.map((sample) => featureDrift(sample, own.get(sample.name) ?? sample, units, both.length)).sort((a, b) => largestPsi(b) - largestPsi(a)),
    onlyReference: reference.filter((sample) => hasValues(sample) && !own.has(sample.name)).map(({ name }) => name),
    onlyProduction: production.filter((sample) => hasValues(sample) && !(known.has(sample.name) && hasValues(known.get(sample.name) ?? sample))).map(({ name }) => name),
    notMeasured: [...new Set([...reference, ...production].filter((sample) => !hasValues(sample) && (sample.nested ?? 0) > 0 && !both.some(({ name }) => name === sample.name)).map(({ name }) => name))],
  };
}

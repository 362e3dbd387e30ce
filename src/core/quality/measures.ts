import { toBoolean, toNumber, toText, type RecordLike } from '../expressions/evaluate.ts';
import type { LabelDefinition, Measure, MetricDefinition } from './definitions.ts';

/** The score of a record: `score`, or a probability that stands by itself in `proba`. */
export function scoreOf(record: RecordLike): number | null {
  return scoreFrom(record['score'], record['proba']);
}

/** See `scoreOf`. */
export function scoreFrom(own: unknown, proba: unknown): number | null {
  const score = toNumber(own) ?? toNumber(proba);
  return score !== null && Number.isFinite(score) ? score : null;
}

function isProbability(score: number): boolean {
  return score >= 0 && score <= 1;
}

/** The score, where it is from 0 to 1: what else it may be is no probability. */
function probabilityOf(record: RecordLike): number | null {
  const score = scoreOf(record);
  return score !== null && isProbability(score) ? score : null;
}

/** The score, where the threshold divides it: any that the file says, and the usual one of 0.5 what is a probability only. */
function dividedScoreOf(record: RecordLike, { isThresholdGiven }: LabelDefinition): number | null {
  return isThresholdGiven === true ? scoreOf(record) : probabilityOf(record);
}

/** Whether an outcome or a label means yes; null where it does not tell. */
export function isPositive(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const number = toNumber(value);
  if (number !== null) return number > 0;
  return toBoolean(value);
}

/** Yes or no of a label that can mean nothing else: 0, 1, true, false and their texts. Any other value may be one class of many, of which none is the positive one. */
export function binaryOf(value: unknown): boolean | null {
  const number = toNumber(value);
  return number === null || number === 0 || number === 1 ? isPositive(value) : null;
}

/** What the model decided, and what was true; both null where they are classes, of which none is positive. */
interface Judged {
  readonly decided: boolean | null;
  readonly actual: boolean | null;
}

/** Whether what the model decided stands in the record by itself. */
function isLabelled({ label }: RecordLike): boolean {
  return label !== null && label !== undefined && label !== '';
}

/** Whether the label or what was true beside it is neither yes nor no: one class of many. A score beside it is that of the class, and not how likely a yes is. */
export function isOfClasses(record: RecordLike, field: string): boolean {
  return isLabelled(record) && (binaryOf(record['label']) === null || binaryOf(record[field]) === null);
}

/** Whether a threshold decides of a record in which the model's decision stands, too: only one that somebody wrote does, for the service may have decided otherwise. */
export function isDivided(record: RecordLike, { isThresholdGiven }: LabelDefinition): boolean {
  return isThresholdGiven === true && isLabelled(record) && scoreOf(record) !== null;
}

/** Whether nothing but a score could decide of a record, which the usual threshold does not divide. */
export function isUndivided(record: RecordLike, score: number, { isThresholdGiven }: LabelDefinition): boolean {
  return !isProbability(score) && isThresholdGiven !== true && !isLabelled(record);
}

/** By the label; a record without one, or where a threshold is given, by its score. A label that is no yes or no makes both classes, whatever its score says. */
function judged(record: RecordLike, labels: LabelDefinition): Judged {
  const { field, threshold } = labels;
  const score = dividedScoreOf(record, labels);
  const isByLabel = isLabelled(record) && (!isDivided(record, labels) || isOfClasses(record, field));
  if (score === null || isByLabel) return { decided: binaryOf(record['label']), actual: binaryOf(record[field]) };
  return { decided: score >= threshold, actual: isPositive(record[field]) };
}

/** Whether it is known both what the model decided, yes or no, and what was true. */
export function isDecided(record: RecordLike, labels: LabelDefinition): boolean {
  const { decided, actual } = judged(record, labels);
  return decided !== null && actual !== null;
}

/** The score as how likely a yes is, and whether it was one; undefined where either is not told, or they are classes. */
function likelihood(record: RecordLike, field: string): { readonly score: number; readonly actual: boolean } | undefined {
  const [score, actual] = [probabilityOf(record), isPositive(record[field])];
  return score === null || actual === null || isOfClasses(record, field) ? undefined : { score, actual };
}

/** Entropy in bits of the class probabilities, or of the score as one of two (Shannon 1948). */
function entropy(record: RecordLike): number | null {
  const { proba } = record;
  const listed = typeof proba === 'object' && proba !== null ? Object.values(proba).map(toNumber) : [];
  const score = scoreOf(record);
  const shares = listed.length > 0 ? listed : score === null ? [] : [score, 1 - score];
  if (shares.length === 0) return null;
  let bits = 0;
  for (const share of shares) {
    if (share === null || !(share >= 0 && share <= 1)) return null;
    if (share > 0) bits -= share * Math.log2(share);
  }
  return bits;
}

/** Of larger values squares are infinite, or nearly: they count as not told, as infinities do. */
const LARGEST = 1e150;

type Valued = (record: RecordLike) => number | null;

/** Right or wrong of classes, too, which no threshold orders: as numbers where both are, else as texts. */
function isRight(record: RecordLike, labels: LabelDefinition): number | null {
  const [label, outcome] = [record['label'], record[labels.field]];
  const { decided, actual } = judged(record, labels);
  if (decided !== null && actual !== null) return Number(decided === actual);
  const [number, known] = [toNumber(label), toNumber(outcome)];
  if (number !== null && known !== null) return Number(number === known);
  const [said, told] = [toText(label), toText(outcome)];
  return said === null || told === null || said === '' || told === '' ? null : Number(said === told);
}

/** Whether the score is nearer to the threshold than the band, or, where that is not `wanted`, is not. */
function nearThreshold(record: RecordLike, labels: LabelDefinition, wanted: boolean): number | null {
  const score = dividedScoreOf(record, labels);
  return score === null ? null : Number((Math.abs(score - labels.threshold) < labels.band) === wanted);
}

const MEASURED: Readonly<Record<Measure, (labels: LabelDefinition) => Valued>> = {
  accuracy: (labels) => (record) => isRight(record, labels),
  precision: (labels) => (record) => {
    const { decided, actual } = judged(record, labels);
    return decided === true && actual !== null ? Number(actual) : null;
  },
  recall: (labels) => (record) => {
    const { decided, actual } = judged(record, labels);
    return actual === true && decided !== null ? Number(decided) : null;
  },
  brier: ({ field }) => (record) => {
    const told = likelihood(record, field);
    return told === undefined ? null : (told.score - Number(told.actual)) ** 2;
  },
  // The area comes from the histograms; here only how many records tell it.
  pr_auc: ({ field }) => (record) => {
    const told = likelihood(record, field);
    return told === undefined ? null : Number(told.actual);
  },
  uncertain: (labels) => (record) => nearThreshold(record, labels, true),
  confident: (labels) => (record) => nearThreshold(record, labels, false),
  entropy: () => entropy,
};

/** The fields of a record that measures read, beside the outcome. */
export const MEASURED_FIELDS: readonly string[] = ['score', 'proba', 'label'];

/** The value of a metric for a record, null where the record does not tell it. Infinities count as not told. */
export function valueOf({ expression, measure }: MetricDefinition, labels: LabelDefinition): Valued {
  if (measure !== undefined) return MEASURED[measure](labels);
  if (expression === undefined) return () => null;
  return (record) => {
    const value = expression.evaluate(record);
    if (typeof value === 'boolean') return value ? 1 : 0;
    return value !== null && Math.abs(value) < LARGEST ? value : null;
  };
}

/** An area under the precision-recall curve, and between which ones it is, for nobody knows the order of scores in one bin. NaN without positives. */
export interface PrecisionRecallArea {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The area under the precision-recall curve, as average precision: the precision at each score, weighted by the recall that it adds; scores in one bin count as equal. `low` and `high`: if in every bin the positives
 * came last, or first.
 *
 * Source: Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML 2006; without interpolation, as scikit-learn's average_precision_score.
 */
export function averagePrecision(all: readonly number[], positives: readonly number[]): PrecisionRecallArea {
  const total = positives.reduce((sum, count) => sum + count, 0);
  let [value, low, high, hits, taken] = [0, 0, 0, 0, 0];
  for (let bin = all.length - 1; bin >= 0; bin -= 1) {
    const [count, added] = [all[bin] ?? 0, positives[bin] ?? 0];
    for (let each = 1; each <= added; each += 1) {
      low += (hits + each) / (taken + count - added + each);
      high += (hits + each) / (taken + each);
    }
    hits += added;
    taken += count;
    if (added > 0) value += added * (hits / taken);
  }
  return { value: value / total, low: low / total, high: high / total };
}

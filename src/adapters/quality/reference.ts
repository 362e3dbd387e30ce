import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { isNotFinite } from '../../core/expressions/evaluate.ts';
import { BINS } from '../../core/quality/driftBins.ts';
import { MOST_NAMED } from '../../core/quality/batch.ts';
import { FeatureCollector, leftOutWords, sampleName, type FeatureOptions } from '../../core/quality/featureCollector.ts';
import { featureValue } from '../../core/quality/featureValue.ts';
import { numbersIn, textsIn } from '../../core/quality/joinedSamples.ts';
import { quantileEdges } from '../../core/quality/stats/driftMeasures.ts';
import type { QualityDefinition, ReferenceColumns } from '../../core/quality/definitions.ts';
import { rowsWords, type TrainingData } from '../../core/quality/trainingData.ts';
import type { DriftReference, FeatureSample, QualityData } from '../../core/quality/window.ts';
import type { Row } from '../../core/suites/model.ts';
import { didYouMean } from '../../core/workspace/suggest.ts';
import { formatOf, readRows } from '../rows/rows.ts';
import { repeater, withoutColumns, worthOf } from './referenceRows.ts';

/** What production counts by, by the name of a sample: inner edges of the reference's bins, or its categories. */
export interface ReferenceBins {
  readonly edges: Readonly<Record<string, readonly number[]>>;
  readonly categories: Readonly<Record<string, readonly string[]>>;
}

export interface Reference extends ReferenceBins {
  readonly rows: number;
  /** How many independent rows they are worth. */
  readonly units: number;
  readonly samples: readonly FeatureSample[];
  /** Sentences about what is not looked at. */
  readonly messages: readonly string[];
}

/** Columns of the reference that are the prediction's, as they are in a record, where they are not named as features. */
const PREDICTION = ['score', 'proba', 'label'];

/** NaN and infinities are missing, also as text, and dates are those of any format: as they are in production. */
function featuresOf(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, featureValue(value)]));
}

/** The file that is read as a reference. */
export interface ReferenceFile {
  readonly folder: string;
  readonly path: string;
  /** The features to read; undefined: all columns but those of `columns`. */
  readonly features: readonly string[] | undefined;
  readonly columns: ReferenceColumns;
}

/** A row as a record has it. */
function recordOf(row: Row, features: readonly string[] | undefined, columns: ReferenceColumns): Record<string, unknown> {
  const known = features === undefined ? withoutColumns(row, columns) : row;
  const prediction = PREDICTION.filter((name) => features?.includes(name) !== true && Object.hasOwn(known, name));
  const record = Object.fromEntries(prediction.map((name) => [name, isNotFinite(known[name]) ? null : known[name]]));
  return { ...record, features: featuresOf(features === undefined ? Object.fromEntries(Object.entries(known).filter(([name]) => !prediction.includes(name))) : known) };
}

/** What production shall be counted by: bins where most of a feature's values are numbers, else categories. */
function binsOf(samples: readonly FeatureSample[]): ReferenceBins {
  const ofNumbers = samples.filter((sample) => sample.values.length > 0 && numbersIn(sample) >= textsIn(sample));
  const ofTexts = samples.filter((sample) => textsIn(sample) > 0 && !ofNumbers.includes(sample));
  return {
    edges: Object.fromEntries(ofNumbers.map(({ name, values }) => [name, quantileEdges(Float64Array.from(values).sort(), BINS)])),
    categories: Object.fromEntries(ofTexts.map(({ name, categories }) => [name, Object.keys(categories)])),
  };
}

/** Names of columns that are remembered, beside those that are named. */
const MOST_COLUMNS = 1000;

/** A record as services log it: its features are below `features`, and it says whose answer it was. */
function isLogged(row: Row): boolean {
  const { features } = row;
  const isNested = (typeof features === 'object' && features !== null) || Object.keys(row).some((name) => name.startsWith('features.'));
  return isNested && ['assigned_arm', 'request_id'].some((name) => Object.hasOwn(row, name));
}

/** Passes rows on and remembers their columns. @throws AppError validation where the file has no row, or cannot be what production is measured against */
async function* checkedRows(rows: AsyncIterable<Row>, path: string, columns: Set<string>, named: ReadonlySet<string>): AsyncGenerator<Row> {
  let count = 0;
  for await (const row of rows) {
    count += 1;
    for (const name of Object.keys(row)) if (columns.size < MOST_COLUMNS || named.has(name)) columns.add(name);
    if (count === 1 && isLogged(row)) throw new AppError('validation', `${path} is a prediction log: a reference has the features as its columns. Name the training data in drift.reference, or {weeks_ago: 1} for the same hours of an earlier week.`);
    yield row;
  }
  if (count === 0) throw new AppError('validation', `${path} has no row, so nothing can be measured against it: correct drift.reference, or the file.`);
  const [only = ''] = columns;
  if (columns.size === 1 && /[;\t|]/.test(only)) throw new AppError('validation', `${path} has one column, ${JSON.stringify(plainLine(only, 80))}: its fields are to be separated by commas.`);
}

/**
 * The reference's features: read twice, first for the bins' edges from a sample, then for the exact counts in them. Where rows have weights or units, these are read before.
 * @throws AppError notFound, validation, cancelled
 */
export async function readReference({ folder, path, features, columns }: ReferenceFile, signal: AbortSignal): Promise<Reference> {
  const file = path.startsWith('/') ? path : join(folder, path);
  const [known, named] = [new Set<string>(), new Set(features)];
  const rows = (): AsyncGenerator<Row> => checkedRows(readRows(file, formatOf(path, ': that of drift.reference is another'), path, signal, 'counted'), path, known, named);
  const worth = await worthOf(rows(), path, columns);
  const collect = async (bins: Pick<FeatureOptions, 'edges' | 'categories'>): Promise<FeatureCollector> => {
    const collector = new FeatureCollector({ features, ...bins });
    const timesOf = repeater(columns, worth);
    for await (const row of rows()) {
      const record = recordOf(row, features, columns);
      for (let times = timesOf(row); times > 0; times -= 1) collector.add(record);
    }
    return collector;
  };
  const first = await collect({});
  const { edges, categories } = binsOf(first.samples);
  // Numbers among texts are texts, too, which the first reading did not know.
  const second = await collect({ edges, categories: Object.fromEntries(Object.keys(categories).map((name) => [name, []])) });
  const { samples, leftOut } = second;
  const isNothing = (name: string): boolean => { const found = samples.find((sample) => sample.name === sampleName(name)); return found === undefined || (found.rows === found.missing && found.nested === undefined); };
  const without = (features ?? []).slice(0, MOST_NAMED).filter(isNothing);
  const missing = without.filter((name) => !known.has(name));
  if (missing.length > 0) throw new AppError('validation', `${path} has no column ${missing.join(', ')}: correct drift.features, or the reference.${columnsWords(missing[0] ?? '', [...known])}`);
  if (without.length > 0) throw new AppError('validation', `${path} has nothing in its ${without.length === 1 ? 'column' : 'columns'} ${without.join(', ')}, in no row: correct drift.features, or the reference.`);
  // Of named features the log says it.
  const words = features === undefined ? leftOutWords(new Set(leftOut), features, path) : undefined;
  return {
    rows: worth?.rows ?? second.requests, units: worth?.units ?? second.requests, samples, edges,
    categories: Object.fromEntries(samples.filter(({ name }) => Object.hasOwn(categories, name)).map((sample) => [sample.name, Object.keys(sample.categories)])),
    messages: words === undefined ? [] : [words],
  };
}

function columnsWords(missing: string, columns: readonly string[]): string {
  return didYouMean(missing, columns) || ` There are: ${plainLine(columns.slice(0, 20).join(', '), 300)}${columns.length > 20 ? ', ...' : ''}.`;
}

/** What is measured against a file, ready before the records are read. */
export interface PreparedReference {
  readonly bins?: ReferenceBins;
  readonly reference?: DriftReference;
  /** Sentences about the reference. */
  readonly messages: readonly string[];
}

/** The training data that a registry names, or the sentence that says why there is none. */
export type FoundTrainingData = TrainingData | { readonly reason: string };

/**
 * Reads the file that drift is measured against. Hours of an earlier week come with the records.
 * @throws AppError notFound, validation, cancelled
 */
export async function prepareReference({ source, drift: { reference: target, columns, features } }: QualityDefinition, folder: string, training: FoundTrainingData | undefined, signal: AbortSignal): Promise<PreparedReference> {
  if (source?.kind !== 'log' || target === undefined || target.kind === 'earlier') return { messages: [] };
  const meant: FoundTrainingData = target.kind === 'file' ? { path: target.path, name: target.path } : training ?? { reason: 'the registry was not asked.' };
  if ('reason' in meant) throw new AppError('notFound', meant.reason);
  const { rows, units, samples, edges, categories, messages } = await readReference({ folder, path: meant.path, features, columns }, signal).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'notFound' || target.kind !== 'file') throw error;
    throw new AppError('notFound', `${error.message} Correct drift.reference in modelswitch.yaml, which names it.`, error.data, error);
  });
  const changed = rowsWords(meant, rows);
  return { bins: { edges, categories }, reference: { name: meant.name, rows, units, samples }, messages: changed === undefined ? messages : [changed, ...messages] };
}

/** What a source told, with the reference that was read before. */
export function withReference(data: QualityData, { reference, messages }: PreparedReference): QualityData {
  return {
    ...data,
    ...(reference === undefined ? {} : { references: [reference] }),
    ...(messages.length === 0 ? {} : { notes: { ...data.notes, messages: [...data.notes.messages, ...messages] } }),
  };
}

import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { isNotFinite } from '../../core/expressions/evaluate.ts';
import { BINS } from '../../core/quality/drift.ts';
import { FeatureCollector } from '../../core/quality/featureCollector.ts';
import { quantileEdges } from '../../core/quality/stats/driftMeasures.ts';
import type { QualityDefinition, ReferenceColumns } from '../../core/quality/definitions.ts';
import { rowsWords, type TrainingData } from '../../core/quality/trainingData.ts';
import type { DriftReference, FeatureSample, QualityData } from '../../core/quality/window.ts';
import type { Row } from '../../core/suites/model.ts';
import { formatOf, readRows } from '../rows/rows.ts';
import { repeater, withoutColumns, worthOf } from './referenceRows.ts';

export interface Reference {
  readonly rows: number;
  /** How many independent rows they are worth. */
  readonly units: number;
  readonly samples: readonly FeatureSample[];
  /** Inner edges of bins by feature: production counts in the same. */
  readonly edges: Readonly<Record<string, readonly number[]>>;
}

/** NaN and infinities are missing, also as text: as they are in production. */
function withoutNotFinite(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isNotFinite(value) ? null : value]));
}

/** The file that is read as a reference. */
export interface ReferenceFile {
  readonly folder: string;
  readonly path: string;
  /** The features to read; undefined: all columns but those of `columns`. */
  readonly features: readonly string[] | undefined;
  readonly columns: ReferenceColumns;
}

/**
 * The reference's features: read twice, first for the bins' edges from a sample, then for the exact counts in them. Where rows have weights or units, these are read before.
 * @throws AppError notFound, validation, cancelled
 */
export async function readReference({ folder, path, features, columns }: ReferenceFile, signal: AbortSignal): Promise<Reference> {
  const file = path.startsWith('/') ? path : join(folder, path);
  const rows = (): AsyncGenerator<Row> => readRows(file, formatOf(file), path, signal);
  const worth = await worthOf(rows(), path, columns);
  const collect = async (edges?: Reference['edges']): Promise<FeatureCollector> => {
    const collector = new FeatureCollector({ features, edges });
    const timesOf = repeater(columns, worth);
    for await (const row of rows()) {
      const record = { features: withoutNotFinite(features === undefined ? withoutColumns(row, columns) : row), score: row['score'] };
      for (let times = timesOf(row); times > 0; times -= 1) collector.add(record);
    }
    return collector;
  };
  const first = (await collect()).samples;
  const missing = (features ?? []).filter((name) => { const found = first.find((sample) => sample.name === name); return found === undefined || found.rows === found.missing; });
  if (missing.length > 0) throw new AppError('validation', `${path} has no column ${missing.join(', ')}: correct drift.features, or the reference.`);
  const edges = Object.fromEntries(first.filter(({ values }) => values.length > 0).map(({ name, values }) => [name, quantileEdges(Float64Array.from(values).sort(), BINS)]));
  const second = await collect(edges);
  return { rows: worth?.rows ?? second.requests, units: worth?.units ?? second.requests, samples: second.samples, edges };
}

/** What is measured against a file, ready before the records are read. */
export interface PreparedReference {
  /** Inner edges of bins by feature: production counts in the same. */
  readonly edges?: Readonly<Record<string, readonly number[]>>;
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
  const { rows, units, samples, edges } = await readReference({ folder, path: meant.path, features, columns }, signal);
  const changed = rowsWords(meant, rows);
  return { edges, reference: { name: meant.name, rows, units, samples }, messages: changed === undefined ? [] : [changed] };
}

/** What a source told, with the reference that was read before. */
export function withReference(data: QualityData, { reference, messages }: PreparedReference): QualityData {
  return {
    ...data,
    ...(reference === undefined ? {} : { references: [reference] }),
    ...(messages.length === 0 ? {} : { notes: { ...data.notes, messages: [...data.notes.messages, ...messages] } }),
  };
}

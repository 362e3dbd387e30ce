import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { isNotFinite } from '../../core/expressions/evaluate.ts';
import { ArmCollector } from '../../core/quality/armCollector.ts';
import { BINS } from '../../core/quality/drift.ts';
import { quantileEdges } from '../../core/quality/stats/driftMeasures.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { rowsWords, type TrainingData } from '../../core/quality/trainingData.ts';
import type { DriftReference, FeatureSample, QualityData } from '../../core/quality/window.ts';
import { formatOf, readRows } from '../rows/rows.ts';

export interface Reference {
  readonly rows: number;
  readonly samples: readonly FeatureSample[];
  /** Inner edges of bins by feature: production counts in the same. */
  readonly edges: Readonly<Record<string, readonly number[]>>;
}

/** NaN and infinities are missing, also as text: as they are in production. */
function withoutNotFinite(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isNotFinite(value) ? null : value]));
}

/**
 * The reference's features: read twice, first for the bins' edges from a sample, then for the exact counts in them.
 * @throws AppError notFound, validation, cancelled
 */
export async function readReference(folder: string, path: string, features: readonly string[] | undefined, signal: AbortSignal): Promise<Reference> {
  const file = path.startsWith('/') ? path : join(folder, path);
  const collect = async (edges?: Reference['edges']): Promise<ArmCollector> => {
    const collector = new ArmCollector({ features, edges });
    for await (const row of readRows(file, formatOf(file), path, signal)) collector.add({ features: withoutNotFinite(row), score: row['score'] });
    return collector;
  };
  const first = (await collect()).summary().features;
  const missing = (features ?? []).filter((name) => { const found = first.find((sample) => sample.name === name); return found === undefined || found.rows === found.missing; });
  if (missing.length > 0) throw new AppError('validation', `${path} has no column ${missing.join(', ')}: correct drift.features, or the reference.`);
  const edges = Object.fromEntries(first.filter(({ values }) => values.length > 0).map(({ name, values }) => [name, quantileEdges(Float64Array.from(values).sort(), BINS)]));
  const second = await collect(edges);
  return { rows: second.requests, samples: second.summary().features, edges };
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
export async function prepareReference({ source, drift: { reference: target, features } }: QualityDefinition, folder: string, training: FoundTrainingData | undefined, signal: AbortSignal): Promise<PreparedReference> {
  if (source?.kind !== 'log' || target === undefined || target.kind === 'earlier') return { messages: [] };
  const meant: FoundTrainingData = target.kind === 'file' ? { path: target.path, name: target.path } : training ?? { reason: 'the registry was not asked.' };
  if ('reason' in meant) throw new AppError('notFound', meant.reason);
  const { rows, samples, edges } = await readReference(folder, meant.path, features, signal);
  const changed = rowsWords(meant, rows);
  return { edges, reference: { name: meant.name, rows, units: rows, samples }, messages: changed === undefined ? [] : [changed] };
}

/** What a source told, with the reference that was read before. */
export function withReference(data: QualityData, { reference, messages }: PreparedReference): QualityData {
  return {
    ...data,
    ...(reference === undefined ? {} : { references: [reference] }),
    ...(messages.length === 0 ? {} : { notes: { ...data.notes, messages: [...data.notes.messages, ...messages] } }),
  };
}

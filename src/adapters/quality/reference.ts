import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { ArmCollector } from '../../core/quality/armCollector.ts';
import { BINS } from '../../core/quality/drift.ts';
import { quantileEdges } from '../../core/quality/stats/driftMeasures.ts';
import type { FeatureSample } from '../../core/quality/window.ts';
import { formatOf, readRows } from '../rows/rows.ts';

export interface Reference {
  readonly rows: number;
  readonly samples: readonly FeatureSample[];
  /** Inner edges of bins by feature: production counts in the same. */
  readonly edges: Readonly<Record<string, readonly number[]>>;
}

/**
 * The reference's features: read twice, first for the bins' edges from a sample, then for the exact counts in them.
 * @throws AppError notFound, validation, cancelled
 */
export async function readReference(folder: string, path: string, features: readonly string[] | undefined, signal: AbortSignal): Promise<Reference> {
  const file = path.startsWith('/') ? path : join(folder, path);
  const collect = async (edges?: Reference['edges']): Promise<ArmCollector> => {
    const collector = new ArmCollector({ features, edges });
    for await (const row of readRows(file, formatOf(file), path, signal)) collector.add({ features: row, score: row['score'] });
    return collector;
  };
  const first = (await collect()).summary().features;
  const missing = (features ?? []).filter((name) => { const found = first.find((sample) => sample.name === name); return found === undefined || found.rows === found.missing; });
  if (missing.length > 0) throw new AppError('validation', `${path} has no column ${missing.join(', ')}: correct drift.features, or the reference.`);
  const edges = Object.fromEntries(first.filter(({ values }) => values.length > 0).map(({ name, values }) => [name, quantileEdges(Float64Array.from(values).sort(), BINS)]));
  const second = await collect(edges);
  return { rows: second.requests, samples: second.summary().features, edges };
}

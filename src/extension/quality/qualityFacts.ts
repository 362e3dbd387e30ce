import { shareDuring } from '../../core/releases/allocation.ts';
import { driftFindings, type DriftFinding } from '../../core/quality/productionDrift.ts';
import type { ProductionFacts } from '../../core/quality/productionWords.ts';
import type { QualityData } from '../../core/quality/window.ts';
import type { QualityReading } from './qualityReader.ts';

/** Drift is a thing of the data alone, and takes milliseconds: once per reading. */
const found = new WeakMap<QualityData, Map<string, readonly DriftFinding[]>>();

export function driftIn(data: QualityData, environment: string): readonly DriftFinding[] {
  const byEnvironment = found.get(data) ?? new Map<string, readonly DriftFinding[]>();
  found.set(data, byEnvironment);
  const known = byEnvironment.get(environment) ?? driftFindings(data, environment);
  byEnvironment.set(environment, known);
  return known;
}

/** What a reading tells of the first environment; undefined before anything was read. */
export function productionFacts({ data, report, readAt, error, history, environment }: QualityReading, now: number): ProductionFacts | undefined {
  if (data === undefined || report === undefined || readAt === undefined) return undefined;
  return {
    data, report, now, readAt, drift: driftIn(data, environment),
    configured: history === undefined ? undefined : shareDuring(history.given, now, now),
    failed: error !== undefined,
  };
}

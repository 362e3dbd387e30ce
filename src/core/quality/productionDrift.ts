import { driftReport } from './drift.ts';
import type { QualityData } from './window.ts';

/** What was measured against what. */
export interface DriftFinding {
  readonly environment: string;
  /** An arm. */
  readonly production: string;
  /** A file, or the other arm. */
  readonly reference: string;
  readonly report: ReturnType<typeof driftReport>;
}

/** Each arm of an environment against the reference, if there is one, and the candidate against current. */
export function driftFindings(data: QualityData, environment: string): DriftFinding[] {
  const arms = data.arms.filter((each) => each.environment === environment);
  const { reference } = data;
  const found = reference === undefined ? [] : arms.map((arm): DriftFinding => ({
    environment, production: arm.arm, reference: reference.path,
    report: driftReport(reference.samples, arm.features, { reference: reference.rows, production: arm.units === 0 ? arm.requests : arm.units }),
  }));
  const [current, candidate] = ['current', 'candidate'].map((name) => arms.find(({ arm }) => arm === name));
  if (current === undefined || candidate === undefined) return found;
  return [...found, { environment, production: 'candidate', reference: 'current', report: driftReport(current.features, candidate.features, { reference: current.units, production: candidate.units }) }];
}

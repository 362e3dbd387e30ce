import { driftReport } from './drift.ts';
import type { QualityData } from './window.ts';

/** What was measured against what. */
export interface DriftFinding {
  readonly environment: string;
  /** An arm. */
  readonly production: string;
  /** A file, the training data of a version, hours of an earlier week, or the other arm. */
  readonly reference: string;
  readonly report: ReturnType<typeof driftReport>;
}

/** Each arm of an environment against the reference, if there is one, and the candidate against current. */
export function driftFindings(data: QualityData, environment: string): DriftFinding[] {
  const arms = data.arms.filter((each) => each.environment === environment);
  const found = (data.references ?? []).filter((reference) => reference.environment === undefined || reference.environment === environment).flatMap((reference) => (reference.production ?? arms).map((arm): DriftFinding => ({
    environment, production: arm.arm, reference: reference.name,
    report: driftReport(reference.samples, arm.features, { reference: reference.units, production: arm.units === 0 ? arm.requests : arm.units }),
  })));
  const [current, candidate] = ['current', 'candidate'].map((name) => arms.find(({ arm }) => arm === name));
  if (current === undefined || candidate === undefined) return found;
  return [...found, { environment, production: 'candidate', reference: 'current', report: driftReport(current.features, candidate.features, { reference: current.units, production: candidate.units }) }];
}

import { driftReport } from './drift.ts';
import type { ProductionPart, ProductionWindow, QualityData } from './window.ts';

/** What was measured against what. */
export interface DriftFinding {
  readonly environment: string;
  /** An arm. */
  readonly production: string;
  /** A file, the training data of a version, hours of an earlier week, or the other arm. */
  readonly reference: string;
  /** Which hours of production, for people: `last 24 h`. */
  readonly window: string;
  readonly report: ReturnType<typeof driftReport>;
}

/** `data/train.csv, last 24 h`: what it was measured against, and which hours of production. */
export function againstWords({ reference, window }: Pick<DriftFinding, 'reference' | 'window'>): string {
  return `${reference}, ${window}`;
}

/** Each arm of an environment against the reference, if there is one, and the candidate against current in the hours of both: all of the newest hours only. */
export function driftFindings({ production, references = [] }: QualityData, environment: string): DriftFinding[] {
  const partsOf = (window: ProductionWindow | undefined): readonly ProductionPart[] => (window?.parts ?? []).filter((part) => part.environment === environment);
  const found = references.filter((reference) => reference.environment === undefined || reference.environment === environment).flatMap((reference) => {
    const window = reference.production ?? production;
    return partsOf(window).map((part): DriftFinding => ({
      environment, production: part.arm, reference: reference.name, window: window?.name ?? '',
      report: driftReport(reference.samples, part.features, { reference: reference.units, production: part.units }),
    }));
  });
  const both = (production?.both ?? []).filter(({ candidate }) => candidate.environment === environment).map(({ name, candidate, current }): DriftFinding => ({
    environment, production: 'candidate', reference: 'current', window: name, report: driftReport(current.features, candidate.features, { reference: current.units, production: candidate.units }),
  }));
  return [...found, ...both];
}

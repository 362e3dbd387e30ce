import { plainLine } from '../base/words.ts';
import { driftReport, type DriftReport } from './drift.ts';
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
  readonly report: DriftReport;
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

/** Why nothing of an environment was measured, as a sentence; undefined: something was. */
export function nothingMeasured({ production, references = [], arms }: QualityData, environment: string, findings: readonly DriftFinding[]): string | undefined {
  const own = findings.filter((each) => each.environment === environment);
  if (own.some(({ report }) => report.features.length > 0)) return undefined;
  const where = environment === '' ? '' : ` of ${plainLine(environment, 60)}`;
  const [first] = own;
  if (first !== undefined) return `Drift${where}: nothing was compared: ${plainLine(first.production, 40)} and ${plainLine(first.reference, 120)} have no feature in common, and no prediction.`;
  if ((production?.parts ?? []).every((part) => part.environment !== environment)) return `Drift${where}: nothing was compared: the log has no record${where} of the ${production?.name ?? 'last hours'}.`;
  if (references.length > 0) return `Drift${where}: nothing was compared: there are no records${where} of both times.`;
  const names = [...new Set(arms.filter((arm) => arm.environment === environment).map(({ arm }) => plainLine(arm, 40)))];
  return `Drift${where}: nothing was compared: the records are of ${names.join(' and ')} only, and there is no reference. Add drift: {reference: data/train.parquet}, {reference: {training: candidate}} or {reference: {weeks_ago: 1}}.`;
}

import { plainLine } from '../base/words.ts';
import { driftReport, isMeasured, PREDICTION, type DriftReport } from './drift.ts';
import type { FeatureSample, ProductionPart, ProductionWindow, QualityData } from './window.ts';

const CURRENT = 'current';

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

/** Inputs of two arms are those of the same people, and differ by no more than chance. Answers of two models may differ: that is why there are two. */
function ofTwoModels(report: DriftReport): DriftReport {
  return { ...report, features: report.features.map((each) => (each.alarm && PREDICTION.has(each.feature) ? { ...each, alarm: false, because: `${each.because}: shown only, two models may answer differently` } : each)) };
}

/** What alarms against what a model was trained on, or what came before: a reason to train it anew. */
export function againstReference(findings: readonly DriftFinding[]): readonly DriftFinding[] {
  return findings.filter(({ reference }) => reference !== CURRENT);
}

/** Samples as they are without the bins of a file: in those of one arm's own values the arms are compared, for in the file's all that both have may lie in one. */
function inOwnBins(samples: readonly FeatureSample[]): readonly FeatureSample[] {
  return samples.map(({ binned, ...sample }) => (binned !== undefined && sample.values.length === 0 ? { ...sample, binned } : sample));
}

/** So many names of those that are left out are known at most: of more, one that is not among them may be. */
const MOST_LEFT_OUT = 1000;

/** Whether an arm lacks a feature that was logged elsewhere, and not because it has too many to be looked at. */
function lacks({ leftOut = [] }: ProductionPart): (name: string) => boolean {
  return (name) => leftOut.length < MOST_LEFT_OUT && !leftOut.includes(name);
}

/** Each arm of an environment against the reference, if there is one, and the candidate against current in the hours of both: all of the newest hours only. */
export function driftFindings({ production, references = [] }: QualityData, environment: string): DriftFinding[] {
  const partsOf = (window: ProductionWindow | undefined): readonly ProductionPart[] => (window?.parts ?? []).filter((part) => part.environment === environment);
  const found = references.filter((reference) => reference.environment === undefined || reference.environment === environment).flatMap((reference) => {
    const window = reference.production ?? production;
    return partsOf(window).map((part): DriftFinding => ({
      environment, production: part.arm, reference: reference.name, window: window?.name ?? '',
      // Of a file, or training data, no service need log every column; what an arm has logged before, it has lost.
      report: driftReport(reference.samples, part.features, { reference: reference.units, production: part.units }, reference.production === undefined ? (feature) => part.lost?.includes(feature) === true : lacks(part)),
    }));
  });
  const both = (production?.both ?? []).filter(({ candidate }) => candidate.environment === environment).map(({ name, candidate, current }): DriftFinding => ({
    environment, production: 'candidate', reference: CURRENT, window: name, report: ofTwoModels(driftReport(inOwnBins(current.features), inOwnBins(candidate.features), { reference: current.units, production: candidate.units }, lacks(candidate))),
  }));
  return [...found, ...both];
}

/** Why something was not measured, as a sentence. */
export interface Unmeasured {
  readonly words: string;
  /** Whether it was against what drift.reference asks for, so that nobody looked at what was to be looked at. */
  readonly isAsked: boolean;
}

/** A finding without a number. */
function emptyWords({ production, reference, report }: DriftFinding): string {
  const pair = [plainLine(production, 40), plainLine(reference, 120)] as const;
  const [first] = report.features;
  return first === undefined ? `${pair.join(' and ')} have no feature in common, and no prediction` : `${pair.join(' against ')} tells nothing: ${plainLine(first.feature, 40)} ${plainLine(first.because, 160)}`;
}

/** What of an environment was not measured: nothing at all, or not against its reference. `hasReference`: drift.reference names one. */
export function unmeasured({ production, references = [], arms }: QualityData, environment: string, findings: readonly DriftFinding[], hasReference: boolean): readonly Unmeasured[] {
  const own = findings.filter((each) => each.environment === environment);
  const where = environment === '' ? '' : ` of ${plainLine(environment, 60)}`;
  const nothing = (words: string, isAsked = false): Unmeasured => ({ words: `Drift${where}: nothing was compared: ${words}.`, isAsked });
  if ((production?.parts ?? []).every((part) => part.environment !== environment) && own.length === 0) return [nothing(`the log has no record${where} of the ${production?.name ?? 'last hours'}`)];
  const against = againstReference(own);
  const empty = against.filter(({ report }) => !isMeasured(report)).map((finding) => nothing(emptyWords(finding), true));
  if (against.length > 0) return empty;
  if (hasReference) return [{ words: `Drift${where}: nothing was compared with drift.reference: ${references.length > 0 ? `there is no record${where} of both times` : 'there is none that could be read, or no record of then'}.`, isAsked: true }];
  if (own.some(({ report }) => isMeasured(report))) return [];
  const [first] = own;
  if (first !== undefined) return [nothing(emptyWords(first))];
  const names = [...new Set(arms.filter((arm) => arm.environment === environment).map(({ arm }) => plainLine(arm, 40)))];
  return [nothing(`the records are of ${names.join(' and ')} only, and there is no reference. Add drift: {reference: data/train.parquet}, {reference: {training: candidate}} or {reference: {weeks_ago: 1}}`)];
}

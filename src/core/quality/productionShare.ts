import { utcTime } from '../base/words.ts';
import { allocations, comparedDuring, evidenceStart, parentsLimit, type Allocation, type EvidenceStart } from '../releases/allocation.ts';
import type { FlagReading } from '../flags/planning.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { armVariants } from '../releases/armVariants.ts';
import { loggedSince } from '../releases/loggedVersions.ts';
import type { ShareAt } from './strata.ts';
import type { QualityData } from './window.ts';

/** What Unleash's event log tells about the arms of a release in one environment. */
export interface ReleaseHistory {
  /** The candidate's configured share, oldest first. */
  readonly given: readonly Allocation[];
  readonly since: EvidenceStart;
  /** Why the sample ratio cannot be checked by that share. */
  readonly unchecked?: string;
}

/** The allocation of the model's first flag. A switch that is off for the candidate gives it the rest. */
export function releaseHistory(reading: FlagReading, environment: string, model: ModelMapping): ReleaseHistory | undefined {
  const entry = model.switches.find(({ flag }) => flag === reading.detail.flag.name);
  if (entry === undefined) return undefined;
  const { candidateVariant: variant, currentVariant } = armVariants(model, entry.flag);
  const inverted = variant === undefined && (entry.off === 'candidate' || entry.off === model.candidate);
  const given = allocations(reading, environment, variant, currentVariant).map((each) => (inverted && each.share !== undefined ? { ...each, share: 1 - each.share } : each));
  const unchecked = parentsLimit(reading, environment);
  return { given, since: evidenceStart(reading, environment, model.name), ...(unchecked === undefined ? {} : { unchecked }) };
}

export function shareOf(history: ReleaseHistory | undefined): ShareAt | undefined {
  return history === undefined ? undefined : (start, end) => comparedDuring(history.given, start, end);
}

/** From when on observations count about what is released now, by the event log and by the versions that the records name. */
export function evidenceSince(data: QualityData, environment: string, history: ReleaseHistory | undefined): EvidenceStart {
  return loggedSince(history?.since ?? { at: undefined, because: 'exposure' }, data, environment);
}

/** What a report is about, where that is not all that was read. */
export function sinceWords({ at, because }: EvidenceStart): string[] {
  if (at === undefined) return [];
  return [`Compared is what came after ${utcTime(at)}, when evidence about this release began (${because}); latency, confidence and outcomes are of that time, too. Predictions and units of the arms are of all that was read.`];
}

import { limitFinding, type LimitFinding } from './absolute.ts';
import { levelShares } from './comparison.ts';
import type { MetricDefinition, QualityDefinition } from './definitions.ts';
import { toldRefusals, type Refusal } from './refusals.ts';
import { dataSince } from './since.ts';
import type { ShareAt } from './strata.ts';
import { totalOf } from './totals.ts';
import type { QualityData, QualityWindow } from './window.ts';

/** What the candidate does against the limit that a guardrail has of its own, whatever the current version does. */
export interface CandidateLimit extends LimitFinding {
  readonly metric: MetricDefinition;
  /** Why scores or outcomes say nothing of any version. */
  readonly refused?: Refusal;
}

/** From when on windows count for limits; all times in milliseconds since 1970. */
export interface LimitWindows {
  /** From when on evidence counts; undefined: all. */
  readonly since: number | undefined;
  /** When evidence began: `since` may be the beginning of that hour. */
  readonly began?: number | undefined;
  /** From when on windows in which evidence began hold nothing of the candidate that is about something else. */
  readonly alone?: number | undefined;
}

/** Limits hold for the candidate whatever the current version does, so the window in which its exposure began counts for them: in one of a day it would be watched by nobody before midnight. */
export function limitWindows({ windows }: Pick<QualityData, 'windows'>, environment: string, { since = Number.NEGATIVE_INFINITY, began = since, alone = since }: LimitWindows): QualityWindow[] {
  const isSince = ({ start, end }: QualityWindow): boolean => start >= since || (start >= alone && end > began);
  return windows.filter((each) => each.environment === environment && each.arm === 'candidate' && each.slice === undefined && isSince(each));
}

/** What the limits of a release are judged with, beside its windows. */
export interface CandidateLimitOptions {
  readonly since: number | undefined;
  readonly shareAt?: ShareAt | undefined;
  /** Among how many the level is divided before its guardrails share it. */
  readonly services?: number;
}

/**
 * The guardrails that have a limit of their own, each with what the candidate does against it (`limitFinding`): they share the half of the level that is theirs.
 *
 * @param windows of the candidate (`limitWindows`)
 */
export function candidateLimits(windows: readonly QualityWindow[], data: QualityData, definition: QualityDefinition, environment: string, { since, shareAt, services = 1 }: CandidateLimitOptions): CandidateLimit[] {
  const limited = definition.metrics.filter(({ role, limit }) => role === 'guardrail' && limit !== undefined);
  const refusals = limited.length === 0 ? undefined : toldRefusals(dataSince(data, since), definition, environment, shareAt);
  return limited.flatMap((metric): CandidateLimit[] => {
    const { name, limit = Number.NaN } = metric;
    // What scores and outcomes do not tell they tell of no version: absence that means nothing passes no limit.
    const refused = refusals?.get(name);
    if (refused !== undefined) {
      const { n, sum } = totalOf(windows, name);
      return [{ metric, name, limit, n, value: sum / n, state: 'insufficient', because: refused.because, refused }];
    }
    const found = limitFinding(metric, windows, { data, environment, arm: 'candidate', since, among: limited.length * services * levelShares(limited) });
    return found === undefined ? [] : [{ metric, ...found }];
  });
}

/** Of a limit: whether it is past, by evidence that holds however often one looks; `undecided` is what only looks so. */
export type LimitVerdict = 'past' | 'within' | 'undecided' | 'insufficient data';

export function limitVerdict({ metric, state, value, limit }: CandidateLimit): LimitVerdict {
  if (state === 'insufficient') return 'insufficient data';
  if (state === 'passed') return 'past';
  const isBeyond = metric.better === 'lower' ? value > limit : value < limit;
  return isBeyond ? 'undecided' : 'within';
}

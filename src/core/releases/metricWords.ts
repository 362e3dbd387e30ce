import { countWords, plainLine, utcTime } from '../base/words.ts';
import { currentAlike, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS } from '../quality/definitions.ts';

/** Digits of a number that somebody wrote. */
const WRITTEN = 6;

/** With as few digits as there may be where it still lies on the side of a bound on which it is: `4 %, limit 4 %` would not show what was decided. */
export function rounded(value: number, least: number, bound = Number.NaN): number {
  const digits = Array.from({ length: WRITTEN - least }, (_, more) => least + more).find((each) => Number.isNaN(bound) || Math.sign(Number(value.toPrecision(each)) - bound) === Math.sign(value - bound));
  return Number(value.toPrecision(digits ?? WRITTEN));
}

/** `bound`: what it stands beside, if that is more than another figure. */
export function figure({ kind }: Pick<MetricComparison, 'kind'>, value: number, bound?: number): string {
  if (Number.isNaN(value)) return 'no data';
  return kind === 'bad' ? `${rounded(100 * value, 2, bound === undefined ? undefined : 100 * bound)} %` : String(rounded(value, 3, bound));
}

/** Of a limit, as it was written. */
export function limitFigure({ kind }: Pick<MetricComparison, 'kind'>, limit: number): string {
  return kind === 'bad' ? `${Number((100 * limit).toPrecision(WRITTEN))} %` : String(Number(limit.toPrecision(WRITTEN)));
}

/** `errors 4.1 % vs 2 % (n 12.8k)`. */
export function comparedWords(metric: Pick<MetricComparison, 'name' | 'kind' | 'candidate' | 'current' | 'effect'>): string {
  const { name, candidate, current } = metric;
  return `${plainLine(name, 40)} ${figure(metric, candidate.value)} vs ${figure(metric, currentAlike(metric) ?? current.value)} (n ${countWords(candidate.n)})`;
}

/** Since when the figures that are told are so; nothing where that is since evidence began. */
export function sinceWords(since: number | undefined): string {
  return since === undefined ? '' : ` since ${utcTime(since)}`;
}

/** `errors 4.1 % vs 2 % (n 12.8k), ratio 2.1 above 1.2`, and of what began later than the evidence its own figures, `... since 2026-03-02 14:05:00 UTC`: those of all may be within what is tolerated. */
export function comparisonWords(metric: MetricComparison): string {
  const { name, kind, tolerated, because, lately } = metric;
  if (metric.verdict !== 'worse' || name === MISSING_ANSWERS) return `${comparedWords(metric)}: ${because}`;
  const shown = lately === undefined ? metric : { name, kind, ...lately };
  // Where the current version has no bad event there is no ratio to tell.
  const ratio = shown.effect !== undefined && Number.isFinite(shown.effect) ? `${rounded(shown.effect, 2, tolerated)} ` : '';
  return `${comparedWords(shown)}, ${kind === 'bad' ? `ratio ${ratio}above ${tolerated}` : `worse by more than ${tolerated}`}${sinceWords(lately?.since)}`;
}

/** How the candidate was given out, of which it depends what a comparison may tell. */
export interface Allotted {
  readonly comparable: boolean;
  /** Nobody is left to compare with. */
  readonly everyone: boolean;
}

/** Whether nobody has the current version because everyone is to have the candidate, which tells. What is missing else is not known. */
export function isAlone({ verdict, candidate, current }: MetricComparison, { everyone }: Allotted): boolean {
  return verdict === 'no control' && everyone && candidate.n > 0 && current.n === 0;
}

/** Whether there is nothing to judge the candidate by. */
export function isUntold(metric: MetricComparison, allotted: Allotted): boolean {
  return metric.verdict === 'void' || metric.verdict === 'insufficient data' || (metric.verdict === 'no control' && !isAlone(metric, allotted));
}

/** `comparisonWords`, and of an arm that tells nothing though it should, what to do about that. */
export function untoldWords(metric: MetricComparison, allotted: Allotted): string {
  const { verdict, candidate, current } = metric;
  const words = comparisonWords(metric);
  if (verdict !== 'no control' || isAlone(metric, allotted) || (candidate.n > 0 && current.n > 0)) return words;
  return `${words}, though it has a share: see that the source tells this metric of ${candidate.n === 0 ? 'candidate' : 'current'} as well, with the same environment and service`;
}

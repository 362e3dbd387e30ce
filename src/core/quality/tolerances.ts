import type { MetricSection } from '../workspace/quality.ts';
import type { MetricDefinition, QualityProblem } from './definitions.ts';

/** Measures whose values are shares, so from 0 to 1. */
const SHARES: ReadonlySet<string> = new Set(['accuracy', 'precision', 'recall', 'pr_auc', 'brier', 'uncertain', 'confident']);

/** Whether every value of a metric is 0 or 1, by what it is: bad events, right and wrong, the mean of a condition. */
export function isYesOrNo({ kind, measure, expression }: Pick<MetricDefinition, 'kind' | 'measure' | 'expression'>): boolean {
  if (kind === 'bad') return true;
  if (measure !== undefined) return measure !== 'brier' && SHARES.has(measure);
  return expression?.tree.kind === 'convert' && expression.tree.from === 'boolean';
}

function percentMend(value: number): string {
  return value >= 1 && value < 100 ? `: ${value} % is ${Number((value / 100).toPrecision(6))}` : ', such as 0.05 for 5 %';
}

/** What is wrong with the numbers that a metric is judged by: those that nothing can reach, so that it never alarms or never goes on, and those that its kind does not know. `path` is the metric's. */
export function toleranceProblems(section: MetricSection, metric: MetricDefinition, path: QualityProblem['path']): QualityProblem[] {
  const problem = (key: keyof MetricSection, message: string): QualityProblem => ({ path: [...path, key], message });
  if (metric.measure === 'pr_auc') return shownOnly(section, metric, problem);
  const { min_rate: minRate, accept_ratio: acceptRatio, limit, margin } = section;
  const found: QualityProblem[] = metric.role === 'signal' && limit !== undefined ? [problem('limit', 'is of guardrails: a signal only holds the ramp, by margin or max_ratio; make it a guardrail, or leave limit out')] : [];
  const unread = metric.kind === 'bad' ? (['margin'] as const) : (['max_ratio', 'min_rate', 'accept_ratio'] as const);
  for (const key of unread) {
    if (section[key] !== undefined) found.push(problem(key, metric.kind === 'bad' ? 'is for means: how much worse a rate of bad events may be is max_ratio' : `is for bad events: how much worse a ${section.measure === undefined ? 'mean' : 'measure'} may be is margin, in its own units`));
  }
  if (metric.kind === 'bad' && minRate !== undefined && minRate >= 1) found.push(problem('min_rate', `is a rate of bad events, from 0 to less than 1${percentMend(minRate)}`));
  // Of a candidate that is as good as the current version nobody can show that it is better.
  if (metric.kind === 'bad' && acceptRatio !== undefined && acceptRatio <= 1) found.push(problem('accept_ratio', 'must be more than 1: a candidate as good as the current version could never go on'));
  const isShare = isYesOrNo(metric) || (metric.measure !== undefined && SHARES.has(metric.measure));
  if (isShare && limit !== undefined && !(limit > 0 && limit < 1)) found.push(problem('limit', `is a share, more than 0 and less than 1${percentMend(limit)}`));
  if (isShare && metric.kind === 'mean' && margin !== undefined && margin >= 1) found.push(problem('margin', `is a difference of shares, less than 1${percentMend(margin)}`));
  return found.length > 0 ? found : unreachable(section, metric, isShare, problem);
}

/** A difference of nothing is within no interval, however many predictions there are: such a guardrail takes back, and has a limit, but lets nothing go on. Only a warning, for not every plan asks for statistics. */
function unreachable({ measure, margin }: MetricSection, { kind, role }: MetricDefinition, isShare: boolean, problem: (key: keyof MetricSection, message: string) => QualityProblem): QualityProblem[] {
  if (kind !== 'mean' || role !== 'guardrail' || (margin ?? 0) > 0) return [];
  const key = margin !== undefined ? 'margin' : measure !== undefined ? 'measure' : 'mean';
  const found = problem(key, `${margin === undefined ? 'has no margin' : 'is 0'}: nobody can show that a candidate as good as the current version is not worse by anything at all, so it would go on from no stage that asks for statistics. Give margin, how much worse it may be in its own units, such as margin: ${isShare ? 0.01 : 5}, or list it below signals`);
  return [{ ...found, severity: 'warning' }];
}

/** The area under the curve has no interval here, so nothing is decided by it. */
function shownOnly(section: MetricSection, { role }: MetricDefinition, problem: (key: keyof MetricSection, message: string) => QualityProblem): QualityProblem[] {
  const why = 'pr_auc has no interval here, so it is shown and decides nothing';
  const unread = (['limit', 'margin', 'max_ratio', 'min_rate', 'accept_ratio'] as const).filter((key) => section[key] !== undefined);
  return [...(role === 'guardrail' ? [problem('measure', `guards nothing: ${why}. List it below signals, and guard by brier or accuracy`)] : []), ...unread.map((key) => problem(key, `is not gone by: ${why}`))];
}

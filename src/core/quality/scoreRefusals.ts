import { plainLine } from '../base/words.ts';
import type { Measure, QualityDefinition } from './definitions.ts';
import type { Refusal } from './refusals.ts';
import type { ArmSummary, Histogram } from './window.ts';

/** A few scores may be outside of 0 to 1 by rounding; where there are more, they are no probabilities. */
const MOST_OUTSIDE = 0.01;

const BY_OUTCOME: ReadonlySet<Measure | undefined> = new Set<Measure>(['accuracy', 'precision', 'recall']);
const BY_SCORE: ReadonlySet<Measure | undefined> = new Set<Measure>(['uncertain', 'confident']);

const total = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0);

/** In words, of which arm more than a few scores are outside of 0 to 1; undefined: of none. */
function outside(arms: readonly ArmSummary[], of: (arm: ArmSummary) => readonly [outside: number, scores: number], what: string): string | undefined {
  const found = arms.flatMap((arm) => { const [count, all] = of(arm); return count > MOST_OUTSIDE * all ? [`${count.toLocaleString('en')} of ${all.toLocaleString('en')} of ${plainLine(arm.arm, 40)}`] : []; });
  return found.length === 0 ? undefined : `give labels: {threshold: ...}, at which the service decides: 0.5 does not divide scores ${what}outside 0 to 1 (${found.join(', ')})`;
}

/**
 * The metrics that divide scores at a threshold and say nothing, because none is given and the scores are no probabilities: those few that happen to lie between 0 and 1 say nothing of the others. Where a label says what was decided,
 * that counts.
 *
 * @param arms from when on they count
 */
export function scoreRefusals(arms: readonly ArmSummary[], { labels, metrics }: Pick<QualityDefinition, 'labels' | 'metrics'>, environment: string): ReadonlyMap<string, Refusal> {
  if (labels.isThresholdGiven === true) return new Map();
  const own = arms.filter((each) => each.environment === environment);
  const byOutcome = outside(own, ({ undivided = 0, labelledScore }) => [undivided, total(labelledScore)], 'with an outcome ');
  const byScore = outside(own, ({ notProbable = 0, score }) => [notProbable, total(score)], '');
  return new Map(metrics.flatMap(({ name, measure }) => {
    const because = BY_OUTCOME.has(measure) ? byOutcome : BY_SCORE.has(measure) ? byScore : undefined;
    return because === undefined ? [] : [[name, { always: true, verdict: 'insufficient data', because }] as const];
  }));
}

import { countWords, plainLine } from '../base/words.ts';
import { ALPHA, levelShares } from '../quality/comparison.ts';
import type { MetricDefinition } from '../quality/definitions.ts';
import { detectableRatio } from '../quality/stats/power.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { Stage } from '../workspace/plan.ts';

/** What a stage's sample could notice about one guardrail that counts bad events. */
export interface StageDetection {
  readonly metric: string;
  /** Share of bad events that is assumed for the current model, from 0 to 1. */
  readonly rate: number;
  /** The smallest ratio that is noticed in 80 of 100 releases; infinite where none is. */
  readonly ratio: number;
}

export interface StagePower {
  readonly stage: number;
  readonly detections: readonly StageDetection[];
  /** One sentence without a full stop, for the line of the stage. */
  readonly words: string;
}

/** What is assumed where `min_rate` does not say how often bad events happen. */
const ASSUMED_RATE = 0.01;
const POWER = 0.8;

/**
 * The ratio that each stage of a plan could notice with 80 % power by the time its sample is there: what somebody should know who chooses `percent` and `min_predictions`.
 * Stages that leave nobody to compare with, or ask for no sample, say so.
 */
export function planPower({ plan = [], quality }: Pick<ModelMapping, 'plan' | 'quality'>): StagePower[] {
  const guardrails = (quality?.metrics ?? []).filter(({ role }) => role === 'guardrail');
  const counted = guardrails.filter(({ kind }) => kind === 'bad');
  if (counted.length === 0) return [];
  return plan.map((stage, index) => stagePower(stage, index, counted, guardrails.length * levelShares(guardrails)));
}

function stagePower(stage: Stage, index: number, counted: readonly MetricDefinition[], guardrails: number): StagePower {
  const share = candidateShare(stage);
  const nothing = (words: string): StagePower => ({ stage: index, detections: [], words });
  if (stage.segment !== undefined) return nothing('members of a segment are compared with nobody: only absolute limits are watched');
  if (share >= 1) return nothing('nobody is left to compare with: only absolute limits are watched');
  if (stage.minPredictions === 0) return nothing('asks for no sample (min_predictions), so what it could notice is not known');
  const detections = counted.map((metric): StageDetection => {
    const rate = metric.minRate > 0 ? metric.minRate : ASSUMED_RATE;
    return { metric: metric.name, rate, ratio: detectableRatio({ predictions: stage.minPredictions / share, share, rate, margin: metric.maxRatio, alpha: ALPHA / guardrails, power: POWER }) };
  });
  const each = detections.map(({ metric, rate, ratio }) => `${plainLine(metric, 40)} ${Number.isFinite(ratio) ? `${Number(ratio.toPrecision(3))}x` : 'no ratio'} at ${Number((100 * rate).toPrecision(3))} %`);
  return { stage: index, detections, words: `${countWords(stage.minPredictions)} predictions notice ${each.join(', ')}, with 80 % power` };
}

/** The candidate's share of everyone; with named variants the smallest of them, which is noticed last. */
function candidateShare({ percent, weights }: Stage): number {
  const named = Object.values(weights ?? {}).filter((weight) => weight > 0);
  return named.length === 0 ? percent / 100 : (percent / 100) * (Math.min(...named) / 100);
}

import { plainLine } from '../base/words.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import { onlySplitDiffers } from '../flags/compare.ts';
import { planSetRollout } from '../flags/planner.ts';
import type { ChangeNote, FlagReading } from '../flags/planning.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { Stage } from '../workspace/plan.ts';
import { armVariants } from './armVariants.ts';
import type { ReleaseAssessment } from './assessment.ts';
import { planReach } from './stageChange.ts';
import { planToStage } from './takeBack.ts';

/** Whether a plan is an experiment: one share for everyone that is not all of them, and no ramp. */
export function isExperiment(plan: readonly Stage[]): boolean {
  const [only, ...more] = plan.filter(({ segment, environment }) => segment === undefined && environment !== 'development');
  return only !== undefined && more.length === 0 && (only.percent < 100 || only.weights !== undefined) && plan.at(-1) === only;
}

/** The business metrics, each with its effect and the interval in which it lies at every look: `conversion +0.012 (0.004 to 0.02): better ...`. */
export function experimentLines({ comparisons }: Pick<ReleaseAssessment, 'comparisons'>): string[] {
  return comparisons.flatMap(({ service, report }) => report.metrics.filter(({ role }) => role === 'signal').map(({ name, verdict, because, effect, interval, candidate, current }) => {
    const number = (value: number): string => String(Number(value.toPrecision(3)));
    const found = effect === undefined || interval === undefined ? '' : ` ${effect > 0 ? '+' : ''}${number(effect)} (${number(interval.low)} to ${number(interval.high)})`;
    return plainLine(`${service === undefined ? '' : `${service}: `}${name}${found}, ${number(candidate.value)} vs ${number(current.value)}: ${verdict}, ${because}`, 240);
  }));
}

/** The end in which the candidate won: everyone gets it, by the share or by the variant that stands for it. It raises, so it passes the gates. */
export function planShip(model: ModelMapping, reading: FlagReading, environment: string, note: ChangeNote = {}): ChangePlan {
  const { candidateVariant } = armVariants(model, reading.detail.flag.name);
  const reason = note.reason ?? 'ship the candidate';
  const last = model.plan?.at(-1);
  if (candidateVariant === undefined || last === undefined) return { ...planSetRollout(reading, environment, 100, { ...note, reason }), kind: 'promote' };
  return planReach({ ...last, environment, percent: 100, weights: { [candidateVariant]: 100 } }, reading, { ...note, reason });
}

/** Whether everyone gets the candidate already. */
export function isShipped(model: ModelMapping, reading: FlagReading, environment: string): boolean {
  return planShip(model, reading, environment).environments.every(({ exposure, before, after }) => exposure === 'equal' && !onlySplitDiffers(before, after));
}

/** The end in which it did not: nobody gets it any more, in none of the plan's environments that the flag has. */
export function planKeep(plan: readonly Stage[], reading: FlagReading, note: ChangeNote = {}): ChangePlan {
  const own = new Set(reading.detail.flag.environments.map(({ name }) => name));
  const environments = [...new Set(plan.map(({ environment }) => environment))].filter((name) => own.has(name));
  return planToStage(plan, -1, environments, reading, { ...note, reason: note.reason ?? 'the current model stays' }).change;
}

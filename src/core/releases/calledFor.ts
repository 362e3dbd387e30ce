import type { Stage } from '../workspace/plan.ts';
import type { ReleaseAssessment } from './assessment.ts';
import { isExperiment } from './experiment.ts';
import { advanceHurdles } from './releaseView.ts';

/** The one thing that a release calls for where it stands, beside taking it back. */
export interface CalledFor {
  readonly kind: 'advance' | 're-arm' | 'approve' | 'complete' | 'ship';
  /** The environment that it changes; for a completion, which changes an alias, the one of the last stage. */
  readonly environment: string;
}

/**
 * What somebody is asked to do about a release: undefined where there is nothing but to wait, to look at what is not as the plan has it, or to roll back. What may be overridden with a reason, such as a
 * hold time, keeps nobody from advancing.
 * @param userId the Unleash user who looks: consent has to come from another one than who advances
 */
export function calledFor(assessment: ReleaseAssessment, plan: readonly Stage[], userId: number | undefined): CalledFor | undefined {
  const { state, verdict, latch, approval, next, look, position, environment } = assessment;
  if (latch !== undefined) return { kind: 're-arm', environment: latch.environment };
  if (verdict.word === 'rollback' || state === 'complete') return undefined;
  if (state === 'last stage') {
    const isHeld = look.stage.heldMs >= look.stage.holdMs;
    if (position.deviations.length > 0 || !isHeld) return undefined;
    return { kind: isExperiment(plan) ? 'ship' : 'complete', environment };
  }
  if (next.kind === 'none') return undefined;
  const changed = next.change.environments[0]?.environment ?? environment;
  if (approval?.given.length === 0) return { kind: 'approve', environment: changed };
  return advanceHurdles(assessment, userId).final.length > 0 ? undefined : { kind: 'advance', environment: changed };
}

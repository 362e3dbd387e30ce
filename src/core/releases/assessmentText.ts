import { plainLine } from '../base/words.ts';
import type { ReleaseAssessment } from './assessment.ts';

/** What is said of a release in one line: `fraud v14 over v13: stage 2 of 5 in production, hold: held for 20 min of 1 h (data just now)`. */
export function releaseLine({ model, pin, stageWords, environment, verdict, data }: ReleaseAssessment): string {
  const versions = pin === undefined ? '' : ` ${pin.candidate} over ${pin.current}`;
  const [reason] = verdict.reasons;
  return plainLine(`${model}${versions}: ${stageWords} in ${environment}, ${verdict.word}${reason === undefined ? '' : `: ${reason.words}`} (${data.words})`, 400);
}

/** A release as plain data for machines: what was found, without the readings it was made of. */
export function releaseJson({ look, next, rollback, ways, comparisons, ...rest }: ReleaseAssessment): Record<string, unknown> {
  const short = (each: ReleaseAssessment['next']): unknown => (each.kind === 'none' ? each : { to: each.to, environments: each.change.environments.map(({ environment, from, to }) => ({ environment, from, to })) });
  return { ...rest, findings: look, next: short(next), rollback: short(rollback), ways: ways.map(({ words }) => words), comparisons };
}

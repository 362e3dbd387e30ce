import { AppError } from '../base/errors.ts';
import { audienceGoal, type Audience } from './audienceTarget.ts';
import { audienceShareNow, nextStage, rollbackTargets } from './planner.ts';
import { situation, type FlagReading } from './planning.ts';
import { percentWords } from './rollout.ts';

/**
 * Whether a relative change starts from where it was meant to: a job that is tried again must not go one step further.
 * `already`: an earlier try of it has arrived.
 * @param from per cent of the audience that the caller last saw
 * @throws AppError conflict when the share is neither that nor what the change leads to
 */
export function expectFrom(reading: FlagReading, environmentName: string, kind: 'promote' | 'roll back', from: number, audience?: Audience): 'as expected' | 'already' {
  const here = situation(reading, environmentName);
  const share = (environment = here.environment): number => audienceShareNow(environment, audienceGoal(environment, audience, here.segments, here.own), here.segments);
  const now = share();
  if (now === from) return 'as expected';
  const previous = kind === 'roll back' ? rollbackTargets(reading, environmentName).previous : undefined;
  const arrived = kind === 'promote' ? now === nextStage(from) : now < from && previous !== undefined && share(previous.environment) === from;
  if (arrived) return 'already';
  throw new AppError('conflict', `${reading.detail.flag.name} is at ${percentWords(now)} in ${environmentName}, not at ${from} %: nothing was written.`, { reason: 'from', now });
}

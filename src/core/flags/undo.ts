import { AppError } from '../base/errors.ts';
import type { ChangePlan } from './changePlan.ts';
import { lastChange, planRestore, rollbackTargets } from './planner.ts';
import type { ChangeNote, FlagReading } from './planning.ts';

/**
 * Takes the last change of an environment back, up or down; done twice, it is as before. Without an environment: the one that was changed last.
 * @throws AppError validation when no earlier state is known
 */
export function planUndo(reading: FlagReading, note: ChangeNote = {}, environmentName?: string): ChangePlan {
  const { flag } = reading.detail;
  const newest = flag.environments.map(({ name }) => ({ name, id: lastChange(reading.events, name)?.id ?? 0 })).toSorted((a, b) => b.id - a.id)[0];
  const environment = environmentName ?? newest?.name ?? '';
  const { previous, complete } = rollbackTargets(reading, environment);
  if (previous === undefined) throw new AppError('validation', `Nothing to undo: ${complete ? `${environment} of ${flag.name} has not been changed` : 'the event log does not lead back to an earlier state'}.`, { reason: 'noEarlierState' });
  return planRestore(reading, environment, previous.environment, note);
}

import { plainLine } from '../../core/base/words.ts';
import type { QualityData } from '../../core/quality/window.ts';

/** The arms whose bad events (or sum of a condition) had no series at all while their total counted. */
export interface Untold {
  readonly metric: string;
  readonly arms: readonly string[];
}

/** In words; a counter that is made by its first event has no series before, so it is no fault. */
export function untoldWords(untold: readonly Untold[]): readonly string[] {
  return untold.filter(({ arms }) => arms.length > 0).map(({ metric, arms }) => `Prometheus: no series counts the events of ${plainLine(metric, 60)} (${arms.join(', ')}): there was none yet, or the counter has another name. Let the service make it at 0 when it starts; or, where you know that it exists, write total and bad as expressions, bad as sum(increase(...[$range])) or vector(0).`);
}

/** By metric why the candidate is not accepted by it: a counter that was renamed, or misspelt, tells none, too. */
export function doubtsOf(untold: readonly Untold[]): NonNullable<QualityData['doubts']> {
  return Object.fromEntries(untold.filter(({ arms }) => arms.includes('candidate')).map(({ metric }) => [metric, 'no series counts its events of the candidate (there was none yet, or the counter has another name): let the service make the counter at 0 when it starts']));
}

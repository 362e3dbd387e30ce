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

/** Of sums over processes that fell: in words. Undefined: none did. `names`: those of the series. */
export function fallenWords(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `Prometheus: ${plainLine([...new Set(names)].join(', '))} fell. By the colon in the name, and with neither instance nor pod, it is a recording rule that sums processes, and falls where one of them ends: what it grew by in that scrape is left out, and what comes back counts again, so no release goes on by a metric that is counted by it. Name the counters themselves.`;
}

/** By metric why the candidate is not accepted by it: a sum that it is counted by, of either arm, fell. */
export function doubtsOfFallen(fallen: ReadonlyMap<string, readonly string[]>): NonNullable<QualityData['doubts']> {
  return Object.fromEntries([...fallen].filter(([, names]) => names.length > 0).map(([metric, names]) => [metric, `${plainLine(names.join(', '), 100)} fell, so what it grew by is not known: a recording rule that sums processes falls where one of them ends; name the counters themselves`]));
}

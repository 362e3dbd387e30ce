import { NO_MOMENTS } from './stats/confidenceSequence.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

interface Counted { readonly units: number; readonly requests: number }

/** Units and their requests, of those arms together that know them: of those that told the metric, or of all where the source tells units without sums. */
function countedIn(arms: readonly ArmSummary[], metric: string): Counted {
  const sum = (all: readonly Counted[]): Counted => all.reduce<Counted>((total, { units, requests }) => ({ units: total.units + units, requests: total.requests + requests }), { units: 0, requests: 0 });
  const told = sum(arms.flatMap(({ unitSums }) => unitSums[metric] ?? []));
  return told.units > 0 ? told : sum(arms.filter(({ units }) => units > 0));
}

/**
 * How many units told a metric in some windows of one arm; undefined where the source knows no units. Windows tell a unit where it appears for the first time, so that those
 * that come back, or come from the other arm, are in none of the later ones. Therefore it is the larger of the units that are new in these windows and of
 * n U / N, with n records of the metric in them and U units with N records in all that was read of the arm: exact where that is what the windows hold, less than
 * the truth rather than more where they hold a part (of those since `ArmSummary.unitsBefore` alone, where there is one), for nobody asks less often in a part of the time than in all of it.
 *
 * @param own the arm that the windows are of; all that serve where they are of all
 * @param all every arm of the environment, for an arm all of whose units were in another before
 */
export function unitsIn(windows: readonly QualityWindow[], metric: string, own: readonly ArmSummary[], all: readonly ArmSummary[]): number | undefined {
  const told = (part: readonly QualityWindow[]): number => part.reduce((sum, { metrics }) => sum + (metrics[metric] ?? NO_MOMENTS).n, 0);
  const from = all.flatMap(({ unitsBefore }) => unitsBefore ?? [])[0]?.from ?? Number.NEGATIVE_INFINITY;
  const [n, counted] = [told(windows), told(windows.filter(({ end }) => end > from))];
  const fresh = windows.reduce((sum, { units }) => sum + units, 0);
  const found = [countedIn(own, metric), countedIn(all, metric)].find(({ units, requests }) => units > 0 && requests > 0);
  if (found === undefined) return fresh > 0 ? Math.min(n, fresh) : undefined;
  const seen = own.reduce((sum, { units }) => sum + units, 0);
  // Not each unit that is new tells each metric.
  const newOnes = seen > 0 ? fresh * Math.min(1, found.units / seen) : fresh;
  return Math.round(Math.min(n, Math.max(newOnes, (counted * found.units) / found.requests)));
}

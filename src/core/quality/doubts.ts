import { plainLine } from '../base/words.ts';
import type { MetricDefinition } from './definitions.ts';
import { LEAST_EVENTS, type Moments } from './stats/confidenceSequence.ts';
import { totalOf } from './totals.ts';
import { readsError } from './untoldFields.ts';
import type { QualityData, QualityWindow } from './window.ts';

/** From this part of them on, bad events are hardly errors: nobody would have kept the current version. */
const NEARLY_ALL = 0.99;

/** Why a metric that goes by the field `error` says nothing in a service where the current version fails always, by whatever its log writes there (`OK`, a status code): what went well is in neither arm told from what did not. */
function alwaysFailing(windows: readonly QualityWindow[], metric: string): string | undefined {
  const services = new Map<string, QualityWindow[]>();
  for (const window of windows) {
    const own = services.get(window.service) ?? [];
    services.set(window.service, own);
    own.push(window);
  }
  for (const [service, own] of services) {
    const of = (wanted: string): Moments => totalOf(own.filter(({ arm }) => arm === wanted), metric);
    const [candidate, current] = [of('candidate'), of('current')];
    // One arm alone compares nothing, and a handful of failures may be one.
    if (candidate.n === 0 || current.n < LEAST_EVENTS || current.sum < NEARLY_ALL * current.n) continue;
    const where = services.size === 1 || service === '' ? '' : ` in ${plainLine(service, 40)}`;
    return `${current.sum.toLocaleString('en')} of ${current.n.toLocaleString('en')} records of the current version${where} count as failed, so the field error may say something where all went well: log null there, or let bad name what is an error, such as error and error != "OK"`;
  }
  return undefined;
}

/**
 * Why what was told of a metric in one environment, be it none, lets no candidate go on; a breach it is all the same. Undefined: nothing speaks against it.
 *
 * @param since from when on windows count, in milliseconds since 1970
 */
export function doubtOf(metric: MetricDefinition, { doubts, designEffect, windows }: Pick<QualityData, 'doubts' | 'designEffect' | 'windows'>, environment: string, since = Number.NEGATIVE_INFINITY): string | undefined {
  const told = doubts?.[metric.name];
  // Sources of windows count errors by themselves.
  if (told !== undefined || designEffect !== undefined || !readsError(metric)) return told;
  return alwaysFailing(windows.filter((each) => each.environment === environment && each.slice === undefined && each.start >= since), metric.name);
}

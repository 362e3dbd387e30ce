import { ageWords, plainLine } from '../base/words.ts';
import { SILENT_GAPS, newestDistance } from '../quality/productionWords.ts';
import { answersIn, toldOf, type Told } from '../quality/told.ts';
import type { Exposure } from '../quality/silence.ts';
import type { QualityData } from '../quality/window.ts';
import type { GuardSettings } from '../workspace/guard.ts';
import type { Allocation } from './allocation.ts';
import { exposuresOf } from './askingApps.ts';
import { lateAfter } from './dataAge.ts';
import { ASKED_MS, type FindingsInput } from './findings.ts';

export interface QuietInput extends Pick<FindingsInput, 'data' | 'environment' | 'variants' | 'exposures' | 'since' | 'now'> {
  readonly given: readonly Allocation[];
  readonly settings: GuardSettings;
}

/** An arm of which nothing was told though it has a share of everyone. */
export interface QuietArm {
  readonly service?: string;
  readonly words: string;
}

/** Who asks at least this part of what it asked in an hour before goes on asking: applications tell their counts up to a minute late, so that some of a service that has ended fall into the next hour. */
const LEAST_ASKED = 0.1;

const NAMES = { candidate: 'the candidate', current: 'the current version' } as const;
type Arm = keyof typeof NAMES;

/**
 * Arms of which nothing has been told for longer than `blind_after`, while the other arm is heard of and each has a share: what was told of it before says nothing about now. It is no failure either, for the
 * counters of Unleash, which would tell one from nobody having been sent there, may say nothing. Where an arm has so little traffic that it is not heard of for so long by chance, and where the counters
 * say that nobody was sent to it since, it is not quiet. Where one flag serves several services, each is looked at by itself.
 */
export function quietArms({ data, environment, variants, exposures, now, given, settings }: QuietInput): QuietArm[] {
  const { blindAfter } = settings;
  const during = given.filter(({ to }) => (to ?? Number.POSITIVE_INFINITY) > now - blindAfter).map(({ share }) => share);
  if (during.length === 0 || during.some((share) => share !== undefined && !(share > 0 && share < 1))) return [];
  const share = during.at(-1);
  const own = data.windows.filter((each) => each.environment === environment && each.slice === undefined);
  const services = [...new Set(own.map(({ service }) => service))].sort();
  return (services.length < 2 ? [undefined] : services).flatMap((service) => {
    const part = service === undefined ? data : { ...data, windows: own.filter((each) => each.service === service) };
    const told = { candidate: toldOf(part, environment, 'candidate', service !== undefined), current: toldOf(part, environment, 'current', service !== undefined) };
    const counted = exposuresOf({ exposures, environment, variants, data }, service);
    const isQuiet = (arm: Arm, other: Arm): boolean => {
      const last = told[arm].most;
      if (now - last <= blindAfter || now - told[other].most > blindAfter) return false;
      const odds = share === undefined ? 0 : arm === 'candidate' ? (1 - share) / share : share / (1 - share);
      const usual = SILENT_GAPS * Math.max(distanceOf(part, environment, arm, told[arm]), odds * distanceOf(part, environment, other, told[other]));
      if (told[other].least - last <= Math.max(lateAfter(settings), usual)) return false;
      const since = counted.filter(({ start, yes, no }) => start >= last && yes + no > 0);
      return since.length === 0 || since.some(({ yes, no }) => (arm === 'candidate' ? yes : no) > 0);
    };
    const found = ([['candidate', 'current'], ['current', 'candidate']] as const).filter(([arm, other]) => isQuiet(arm, other));
    return found.map(([arm, other]) => {
      const words = `${lastWords(NAMES[arm], environment, told[arm], now)}, while the newest of ${NAMES[other]} was ${ageWords(now - told[other].most)}`;
      return service === undefined ? { words } : { service, words };
    });
  });
}

/**
 * Services of several of which neither arm has logged anything for longer than `blind_after`, and than its traffic leaves to chance, though by the newest hour of Unleash's counters that is over they ask for the flag: a candidate may take
 * down all that serves with it, and what the service had shown before would let the release go on. One that asks no more may be retired or at rest; one that has logged nothing since evidence began is told by `qualityFindings`.
 */
export function quietServices({ data, environment, variants, exposures, since = Number.NEGATIVE_INFINITY, now, settings }: QuietInput): QuietArm[] {
  const own = data.windows.filter((each) => each.environment === environment && each.slice === undefined);
  const newest = new Map<string, number>();
  for (const window of own) if (answersIn(window) > 0) newest.set(window.service, Math.max(newest.get(window.service) ?? window.end, window.end));
  if (newest.size < 2) return [];
  const told = now - lateAfter(settings);
  return [...newest].sort().flatMap(([service, last]) => {
    const counted = exposuresOf({ exposures, environment, variants, data }, service);
    const asked = (within: (hour: Exposure) => boolean): number => Math.max(0, ...counted.filter(within).map(({ yes, no }) => yes + no));
    const still = asked(({ start, end }) => start >= last && end <= told && end > told - ASKED_MS);
    const isAsking = still > LEAST_ASKED * asked(({ start }) => start < last);
    const part = { windows: own.filter((each) => each.service === service) };
    const usual = SILENT_GAPS * Math.min(...(['candidate', 'current'] as const).map((arm) => newestDistance(part, { environment, arm, lastSeen: last })).filter((distance) => distance > 0));
    return last >= since && now - last > Math.max(settings.blindAfter, usual) && isAsking ? [{ service, words: `the newest prediction of ${plainLine(environment, 40)} was logged ${ageWords(now - last)}, though it goes on asking for the flag: see whether its predictions are logged, or leave it out by where: service != "${plainLine(service, 40)}"` }] : [];
  });
}

function lastWords(name: string, environment: string, { most }: Told, now: number): string {
  const where = `${name} in ${plainLine(environment, 40)}`;
  return Number.isFinite(most) ? `the newest prediction of ${where} was logged ${ageWords(now - most)}` : `no prediction of ${where} was logged`;
}

/** Milliseconds between an arm's newest predictions; 0 where there are none. */
function distanceOf(data: QualityData, environment: string, arm: Arm, { most }: Told): number {
  return Number.isFinite(most) ? newestDistance(data, { environment, arm, lastSeen: most }) : 0;
}

import { plainLine } from '../base/words.ts';
import { everyoneShare } from '../flags/planner.ts';
import { conditionReach } from '../flags/parents.ts';
import { environmentHistory, type EnvironmentHistory, type EnvironmentState } from '../flags/history.ts';
import { environmentOf, type Dependency, type FlagEnvironment } from '../flags/model.ts';
import { environmentPins, segmentMap, type FlagReading } from '../flags/planning.ts';
import { ownIds } from '../flags/ownership.ts';
import { effectiveRollout, maxExposure, variantSplit, type Segments } from '../flags/rollout.ts';
import { pinsModel, type Pin } from '../flags/titles.ts';
import { markedEvents } from './latch.ts';

/** A time in which the candidate's share of everyone, and of those who are compared, did not change. Times are milliseconds since 1970. */
export interface Allocation {
  /** Undefined: from before what the log tells. */
  readonly from: number | undefined;
  /** Undefined: until now. */
  readonly to: number | undefined;
  /** From 0 to 1; undefined where the split of variants depends on who asks. */
  readonly share: number | undefined;
  /** Of those who get the candidate or the current version, where others get something else: of variants that are three or more. Where it is not given, `share`. */
  readonly compared?: number | undefined;
}

/** SDKs learn of a change at their next poll, every 15 s by default; until then some answer as before. */
export const SETTLE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * How an environment gave out the candidate, oldest first, by Unleash's event log. The share is that of everyone whom no segment singles out: only
 * those are drawn by the percentage, and only they can be compared with each other.
 * @param variant the arm that is a variant; without one whoever gets the flag on is the candidate
 * @param currentVariant the variant that stands for the current version, beside whoever gets the flag off
 */
export function allocations(reading: FlagReading, environmentName: string, variant?: string, currentVariant?: string): Allocation[] {
  const environment = environmentOf(reading.detail.flag, environmentName);
  if (environment === undefined) return [];
  const segments = segmentMap(reading.segments);
  const found: Allocation[] = [];
  for (const { environment: state, events } of environmentHistory(environment, reading.events).states) {
    const at = events.at(-1);
    const from = at === undefined ? undefined : Date.parse(at.createdAt);
    const share = armShare(state, segments, variant);
    const compared = share === undefined || variant === undefined ? undefined : ofBoth(share, currentShare(state, segments, currentVariant));
    const last = found.at(-1);
    if (last !== undefined && last.share === share && last.compared === compared) continue;
    if (last !== undefined) found[found.length - 1] = { ...last, to: from };
    found.push({ from, to: undefined, share, ...(compared === undefined ? {} : { compared }) });
  }
  return found;
}

function armShare(environment: FlagEnvironment, segments: Segments, variant: string | undefined): number | undefined {
  const share = everyoneShare(environment, segments) / 100;
  if (variant === undefined || share === 0) return share;
  const split = variantSplit(environment, segments);
  return split === undefined ? undefined : share * (split.find(({ name }) => name === variant)?.share ?? 0) / 100;
}

/** Of everyone: whoever gets the flag off, which the current version serves, and the variant that stands for it. */
function currentShare(environment: FlagEnvironment, segments: Segments, variant: string | undefined): number {
  return 1 - everyoneShare(environment, segments) / 100 + (variant === undefined ? 0 : armShare(environment, segments, variant) ?? 0);
}

/** Undefined where all get one of the two: the share of everyone is that of those then. */
function ofBoth(candidate: number, current: number): number | undefined {
  return candidate === 0 || Math.abs(candidate + current - 1) < 1e-9 ? undefined : candidate / (candidate + current);
}

/**
 * Why the arms need not hold who the percentage says, however they are drawn: a parent flag is not on for everybody, or nobody knows whether it is, so that some of those whom the percentage chose have the current version.
 * Undefined: no parent has a say.
 */
export function parentsLimit(reading: FlagReading, environmentName: string): string | undefined {
  const { detail: { flag: { dependencies } }, family, segments } = reading;
  const limiting = dependencies.filter((dependency) => {
    const detail = family?.parents.find(({ flag }) => flag === dependency.feature)?.detail;
    return !letsAllThrough(dependency, detail === undefined ? undefined : environmentOf(detail.flag, environmentName), segmentMap(segments));
  });
  return limiting.length === 0 ? undefined : `the condition on ${limiting.map(({ feature }) => plainLine(feature, 40)).join(', ')} decides beside the percentage who gets the candidate`;
}

/** Who lacks what a parent at 100 % is sticky on lacks it for its child, too. */
function letsAllThrough(dependency: Dependency, parent: FlagEnvironment | undefined, segments: Segments): boolean {
  const isAtTop = dependency.enabled && dependency.variants.length === 0 && parent !== undefined && effectiveRollout(parent, segments).low === 100;
  return isAtTop || conditionReach(dependency, parent, segments) === 'everybody';
}

/** The candidate's share of everyone from start to end; undefined where it changed meanwhile or just before, so that not every SDK knew of it, or where it is not known. */
export function shareDuring(given: readonly Allocation[], start: number, end: number): number | undefined {
  const during = given.filter(({ from, to }) => (from ?? Number.NEGATIVE_INFINITY) < end && (to ?? Number.POSITIVE_INFINITY) > start - SETTLE_MS);
  return during.length === 1 ? during[0]?.share : undefined;
}

/** The same of those who get either arm, which is what the arms are compared with. */
export function comparedDuring(given: readonly Allocation[], start: number, end: number): number | undefined {
  return shareDuring(given.map((each) => ({ ...each, share: each.compared ?? each.share })), start, end);
}

/** The times since `at`, in milliseconds since 1970, in which the percentage drew who got the candidate. */
export function drawnSince(given: readonly Allocation[], at = Number.NEGATIVE_INFINITY): Allocation[] {
  return given.filter(({ share, to }) => (share ?? 1) > 0 && (to ?? Number.POSITIVE_INFINITY) > at);
}

/** Whether it was everyone in all of these times: then nobody is left to compare with. */
export function isForAll(drawn: readonly Allocation[]): boolean {
  return drawn.length > 0 && drawn.every(({ share }) => share === 1);
}

/** From when on evidence counts about what is released now, and what began then. */
export interface EvidenceStart {
  /** Milliseconds since 1970; undefined where it began before what the log tells. */
  readonly at: number | undefined;
  /** The beginning of the hour where nothing before `at` in it is evidence about something else: counters are by the hour. Else, and where it is missing, `at`. */
  readonly counted?: number;
  /** Where it is by exposure: up to when there was evidence about something else, in milliseconds since 1970; missing: never. What the candidate did in a window that began later is about what is released now, also where the window began before `at`. */
  readonly alone?: number;
  readonly because: 'exposure' | 'versions' | 'guard rollback' | 're-armed';
}

/** From when on windows count, in milliseconds since 1970; undefined: all do. */
export function countedFrom({ at, counted }: EvidenceStart): number | undefined {
  return counted ?? at;
}

/**
 * Evidence is about one version of each arm, and about the time since somebody last had reason to look: it starts anew when other versions were pinned, at a
 * guard's rollback and at its re-arming; else with the first exposure after the environment had none.
 */
export function evidenceStart(reading: FlagReading, environmentName: string, model: string): EvidenceStart {
  const environment = environmentOf(reading.detail.flag, environmentName);
  if (environment === undefined) return { at: undefined, because: 'exposure' };
  const history = environmentHistory(environment, reading.events);
  const segments = segmentMap(reading.segments);
  const starts: EvidenceStart[] = [exposedSince(history, segments), pinnedSince(history, reading, model)];
  for (const { mark, at } of markedEvents(reading.events, environmentName)) starts.push({ at: Date.parse(at), because: mark === 'guard' ? 'guard rollback' : 're-armed' });
  const latest = starts.reduce((last, each) => ((each.at ?? Number.NEGATIVE_INFINITY) > (last.at ?? Number.NEGATIVE_INFINITY) ? each : last));
  if (latest.at === undefined || latest.because !== 'exposure') return latest;
  // Whoever got the candidate before it was taken back was evidence about what was taken back; of other versions only where somebody got what was pinned before them, were it by a segment only.
  const others = starts.filter((each) => each !== latest).map(({ at, because }) => (because === 'versions' ? heldUntil(history, (state) => maxExposure(state, segments) > 0, at) : at ?? Number.NEGATIVE_INFINITY));
  const alone = Math.max(heldUntil(history, (state) => everyoneShare(state, segments) > 0, latest.at), ...others);
  const hour = Math.floor(latest.at / HOUR_MS) * HOUR_MS;
  return { ...latest, ...(alone > hour ? {} : { counted: hour }), ...(Number.isFinite(alone) ? { alone } : {}) };
}

/** Up to when, at the latest before `end`, something held, in milliseconds since 1970; -Infinity where it never did. */
function heldUntil({ states }: EnvironmentHistory, holds: (state: FlagEnvironment) => boolean, end = Number.NEGATIVE_INFINITY): number {
  const began = states.map(({ events }) => Date.parse(events.at(-1)?.createdAt ?? ''));
  return states.reduce((last, { environment }, index) => (holds(environment) && !((began[index] ?? 0) >= end) ? Math.max(last, Math.min(end, began[index + 1] ?? Number.POSITIVE_INFINITY)) : last), Number.NEGATIVE_INFINITY);
}

/** When what holds now began to hold; undefined when it does not, or always did. */
function sinceLast({ states }: EnvironmentHistory, holds: (state: EnvironmentState) => boolean): number | undefined {
  const began = states[states.findLastIndex((state) => !holds(state)) + 1]?.events.at(-1);
  return began === undefined ? undefined : Date.parse(began.createdAt);
}

function exposedSince(history: EnvironmentHistory, segments: Segments): EvidenceStart {
  return { at: sinceLast(history, ({ environment }) => everyoneShare(environment, segments) > 0), because: 'exposure' };
}

function pinnedSince(history: EnvironmentHistory, reading: FlagReading, model: string): EvidenceStart {
  const own = ownIds(reading.events);
  const pinIn = ({ environment, events }: EnvironmentState): Pin | undefined => {
    const known = reading.events.filter(({ id }) => id <= (events.at(-1)?.id ?? 0));
    return environmentPins({ environment, own, reading: { ...reading, events: known } }).find((pin) => pinsModel(pin, model));
  };
  const last = history.states.at(-1);
  const present = last === undefined ? undefined : pinIn(last);
  if (present === undefined) return { at: undefined, because: 'versions' };
  const at = sinceLast(history, (state) => {
    const pin = pinIn(state);
    return pin?.candidate === present.candidate && pin.current === present.current;
  });
  return { at, because: 'versions' };
}

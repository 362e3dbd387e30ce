import { ARMS } from './refusals.ts';
import { LIVE_MS } from './silence.ts';
import type { Moments } from './stats/confidenceSequence.ts';
import { newestDistance } from './productionWords.ts';
import { toldOf } from './told.ts';
import type { QualityData, QualityWindow } from './window.ts';

/** Up to when both arms of a service have been told, in milliseconds since 1970; infinite where all that there is has been. */
export type ToldUntil = (service: string) => readonly [candidate: number, current: number];

const ALL_TOLD: readonly [candidate: number, current: number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
/** So many of an arm's usual distances may lie between its newest record and the other's by chance. */
const GAPS = 5;
/** So many times as long as an arm may be late each is waited for: the current version until it is blind (`blind_after`), for without it nothing is compared anyway, and of what both fail by the candidate's part only would be known. */
const WAITS: readonly [candidate: number, current: number] = [1, 3];

/**
 * How far the arms have been told. Of an arm of which nothing has come for longer than it may be late, such as one that has fallen silent, or a batch that has ended, nothing more will: it is told as far as the other. So is one of which so few records come that
 * the next may not have been made yet.
 *
 * @param now when the records were read; undefined: all that there is has been told
 */
export function toldUntil(data: QualityData, environment: string, now: number | undefined, lateMs = LIVE_MS): ToldUntil {
  if (now === undefined) return () => ALL_TOLD;
  const known = new Map<string, readonly [number, number]>();
  const find = (service: string): readonly [number, number] => {
    const part = { ...data, windows: data.windows.filter((window) => window.service === service) };
    const seen = ARMS.map((arm) => toldOf(part, environment, arm, true).most);
    const newest = Math.max(...seen);
    const [own = newest, other = newest] = ARMS.map((arm, index) => {
      const lastSeen = seen[index] ?? newest;
      return now - lastSeen > (WAITS[index] ?? 1) * lateMs || newest - lastSeen <= GAPS * newestDistance(part, { environment, arm, lastSeen }) ? newest : lastSeen;
    });
    return [own, other];
  };
  return (service) => {
    const found = known.get(service) ?? find(service);
    known.set(service, found);
    return found;
  };
}

/** What windows are counted for, where an arm may have been told further than the other. */
export interface Claim {
  readonly until: ToldUntil;
  readonly claim: 'worse' | 'not worse';
}

/** By how much more an arm may be asked for a moment than in the rest of a window: what fails is asked again. */
const BURST = 5;

/** Of the time of a window in which an arm has been told, the part in which the other has not been: 0 where that one has been told as far, or to the end. */
function aheadBy({ start, end }: QualityWindow, own: number, other: number): number {
  const [until, from] = [Math.min(end, own), Math.max(start, other)];
  return until <= from ? 0 : (until - from) / (until - start);
}

/**
 * The counts of a window without what only one arm has been told of, which the other has no time to be compared with: an outage that both arms have would be the one's alone. How many they are is not known, nor how many of them are bad: so they are taken
 * for what speaks least for the claim, all bad in the arm whose bad events speak for it (and `BURST` times as many as come in that time), all good in the other. So little is left of a window that has just begun, and nearly all of a day of which half a minute is late.
 */
export function withoutAhead([candidate, current]: readonly [Moments, Moments], window: QualityWindow | undefined, { until, claim }: Claim): readonly [Moments, Moments] {
  if (window === undefined || candidate.n === 0 || current.n === 0) return [candidate, current];
  const [own, other] = until(window.service);
  const without = ({ n, sum, squares }: Moments, part: number, speaks: boolean): Moments => {
    if (part === 0) return { n, sum, squares };
    const left = speaks ? Math.min(n, BURST * part * n) : Math.min(n - sum, part * n);
    return { n: n - left, sum: speaks ? Math.max(0, sum - left) : sum, squares };
  };
  return [without(candidate, aheadBy(window, own, other), claim === 'worse'), without(current, aheadBy(window, other, own), claim === 'not worse')];
}

/** Of a mean the values that only one arm has told may be anything: of a window both have been told of all but this part, or it is not compared. */
const MOST_AHEAD = 0.001;

/** Whether both arms have been told of a window alike. */
export function isToldAlike(window: QualityWindow, until: ToldUntil): boolean {
  const [own, other] = until(window.service);
  return Math.max(aheadBy(window, own, other), aheadBy(window, other, own)) <= MOST_AHEAD;
}

import { guardEvidence, type CountInterval, type Evidence } from './stats/countRule.ts';
import { BLOCK } from './strata.ts';
import type { QualityWindow } from './window.ts';

/** How often a flag was asked in a stretch of time, by what it answered: an hour of Unleash's yes/no counters, those of the applications that log predictions together. */
export interface Exposure {
  /** From, and up to but without, in milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Answers that chose the candidate. */
  readonly yes: number;
  /** Answers that chose the current version. */
  readonly no: number;
}

export interface SilenceOptions {
  /** Now: a source that has told nothing for longer than `LIVE_MS` is late, and the stretch that it has not yet told in full does not count. */
  readonly now: number;
  /** By how much missing answers of units vary more than independent ones would; 1 where it is not said. */
  readonly dispersion?: number;
}

/** What the exposure counters say beside the records of one environment. */
export interface Silence {
  /** Bad events (answers that are missing) per stretch, for the count rule. */
  readonly intervals: readonly CountInterval[];
  readonly candidate: MissingAnswers;
  readonly current: MissingAnswers;
  /** ln E that the candidate misses more than `MISSING_RATIO` times the share that the current version misses, and more than `MISSING_LEAST`. */
  readonly evidence: Evidence;
}

export interface MissingAnswers {
  /** Answers of the flag that chose this arm. */
  readonly chosen: number;
  /** Those of them for which there is no prediction. */
  readonly missing: number;
}

export const MISSING_RATIO = 1.2;
/** Some records are always lost on the way, and a restart loses more in one arm: a share below this is no silence. */
export const MISSING_LEAST = 0.1;
/** A source whose newest window ended this long ago is late by itself. */
const LIVE_MS = 10 * 60_000;

const sum = <T>(all: readonly T[], of: (each: T) => number): number => all.reduce((total, each) => total + of(each), 0);

/** Stretches joined where a window reaches over their border, so that each window lies in one. */
function withWholeWindows(exposures: readonly Exposure[], windows: readonly QualityWindow[]): readonly Exposure[] {
  const joined: Exposure[] = [];
  for (const each of exposures.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    const isCrossed = last !== undefined && windows.some(({ start, end }) => start < each.start && end > each.start);
    if (last === undefined || !isCrossed) joined.push(each);
    else joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, each.end), yes: last.yes + each.yes, no: last.no + each.no };
  }
  return joined;
}

/**
 * Predictions that are missing although the exposure counters say that the arm was chosen, as bad events of that arm: a crashed candidate logs nothing, so without this it would
 * have no failures. `candidate` and `current` are windows of all records of one environment. What is lost in both arms alike (a record that could not be written, a flag
 * that is asked twice for one prediction) is no evidence. When nothing at all is told, nothing is known about either arm: that is missing data, not a failure.
 */
export function silence(exposures: readonly Exposure[], candidate: readonly QualityWindow[], current: readonly QualityWindow[], { now, dispersion = 1 }: SilenceOptions): Silence {
  const windows = [...candidate, ...current].filter(({ served, requests }) => (served ?? requests) > 0);
  const last = Math.max(Number.NEGATIVE_INFINITY, ...windows.map(({ end }) => end));
  const isLive = last >= now - LIVE_MS;
  const told = withWholeWindows(exposures, windows).filter(({ start, end }) => end <= last || (isLive && start < now));
  const answered = (own: readonly QualityWindow[], { start, end }: Exposure): number => sum(own.filter((window) => window.start >= start && window.start < end), ({ served, requests }) => served ?? requests);
  let [before, ownMissing, otherMissing] = [0, 0, 0];
  const intervals = told.map((each): CountInterval => {
    const [own, other] = [Math.max(0, each.yes - answered(candidate, each)), Math.max(0, each.no - answered(current, each))];
    ownMissing += own;
    otherMissing += other;
    const interval = { candidateBad: own / dispersion, bad: (own + other) / dispersion, candidateCount: each.yes / dispersion, currentCount: each.no / dispersion, block: Math.floor(before / BLOCK) };
    before += each.yes + each.no;
    return interval;
  });
  return {
    intervals,
    candidate: { chosen: sum(told, ({ yes }) => yes), missing: ownMissing },
    current: { chosen: sum(told, ({ no }) => no), missing: otherMissing },
    // At 100 % there is nothing to compare with, and the smaller of both is 0.
    evidence: guardEvidence(intervals, MISSING_RATIO, MISSING_LEAST),
  };
}

import { guardEvidence, type CountInterval, type Evidence } from './stats/countRule.ts';
import { BEHIND_MS } from './observedShare.ts';
import { countBelow } from './stats/driftMeasures.ts';
import { BLOCK, type ShareAt } from './strata.ts';
import { answersIn, type Told } from './told.ts';
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

/** Answers, and the records in which they are looked for: of one service of several, or of all. */
export interface AnswerLog {
  readonly exposures: readonly Exposure[];
  /** Windows of all records of one environment. */
  readonly candidate: readonly QualityWindow[];
  readonly current: readonly QualityWindow[];
  /** Up to when the records of both arms have been told. */
  readonly told: readonly [candidate: Told, current: Told];
  /** Which service it is, where there are several: each may lose what it likes. */
  readonly service?: string;
}

export interface SilenceOptions {
  /** Now, in milliseconds since 1970. */
  readonly now: number;
  /** When the candidate began to get its share, in milliseconds since 1970: it cannot have been silent before. */
  readonly began?: number | undefined;
  /** The configured share; a stretch in which it is not known to have been constant counts when it has been told whole. */
  readonly shareAt?: ShareAt | undefined;
  /** An arm whose newest record is older than the other's by more than so many milliseconds is silent, else it may be told later. */
  readonly lateMs?: number | undefined;
  /** By how much missing answers of units vary more than independent ones would; 1 where it is not said. */
  readonly dispersion?: number;
}

/** What the exposure counters say of those who are judged by the same records. */
export interface Counted {
  /** By the hour, oldest first. */
  readonly exposures: readonly Exposure[];
  /** The services whose answers they count, where other records are there as well; undefined: all. */
  readonly services?: readonly string[];
  /** Whose answers they leave out, in words. */
  readonly without?: string;
}

/** What the exposure counters say, beside what is needed to know which records of theirs may still come. */
export interface Exposed extends Pick<SilenceOptions, 'now' | 'began' | 'lateMs'> {
  /** Judged each by itself, and put together by strata. */
  readonly counted: readonly Counted[];
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
const MINUTE_MS = 60_000;
/** Clocks of servers that are kept right differ by less. */
const AHEAD_MS = MINUTE_MS;
/** A source whose newest record is older than that is late by itself: of what it has not told nothing is known. */
export const LIVE_MS = 10 * MINUTE_MS;
/** Of a stretch of constant share this part at most may be untold when it counts: with what else is lost it is less than `MISSING_LEAST`. */
const MOST_UNTOLD = 0.05;
/** And it is so long that half of an arm that is late by itself (one of two instances of it) misses no more than `MISSING_LEAST`. */
const MOST_LATE = 2 * MISSING_LEAST;

const sum = <T>(all: readonly T[], of: (each: T) => number): number => all.reduce((total, each) => total + of(each), 0);

/** Windows by their beginning: there may be hundreds of thousands, and each hour asks. */
interface Ordered {
  readonly windows: readonly QualityWindow[];
  readonly starts: readonly number[];
}

function ordered(windows: readonly QualityWindow[]): Ordered {
  const sorted = windows.toSorted((a, b) => a.start - b.start);
  return { windows: sorted, starts: sorted.map(({ start }) => start) };
}

/** Whether a window began before a time and ended after it. */
function crossing({ windows, starts }: Ordered): (at: number) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  const furthest = windows.map(({ end }) => (last = Math.max(last, end)));
  return (at) => (furthest[countBelow(starts, at) - 1] ?? Number.NEGATIVE_INFINITY) > at;
}

/** Stretches joined where a window reaches over their border, so that each window lies in one; those in the middle of a window that began before all of them have no records to be compared with. */
function withWholeWindows(exposures: readonly Exposure[], windows: readonly QualityWindow[]): readonly Exposure[] {
  const isCrossed = crossing(ordered(windows));
  const joined: Exposure[] = [];
  for (const each of exposures.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last === undefined || !isCrossed(each.start)) joined.push(each);
    else joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, each.end), yes: last.yes + each.yes, no: last.no + each.no };
  }
  return joined.filter((each) => !isCrossed(each.start));
}

/**
 * Whether both arms are known to have been told as far as a stretch is counted. The counters are of the hour, up to about now, and the records of an hour come later: those that are still to come are
 * missing by the share of now, in an hour whose answers were given by the shares that it had. Where the share was constant both arms miss alike, and little of the hour may be untold, nor may it be short: of an arm whose records
 * come from several instances one may be late, which its newest record does not show. Else all of it has been told, and what an arm may be late with. A candidate of which nothing has come for longer, while the current version was heard of, is not late, but silent.
 */
function isTold([own, other]: AnswerLog['told'], { now, began = Number.NEGATIVE_INFINITY, shareAt, lateMs = LIVE_MS }: SilenceOptions): (stretch: Exposure) => boolean {
  const newest = Math.min(now, Math.max(own.least, other.least));
  const isSilent = newest - Math.max(own.most, began) > lateMs;
  const until = isSilent ? newest : Math.min(now, own.least);
  const isAhead = Math.max(own.least, other.least) > now + AHEAD_MS;
  return ({ start, end }) => {
    const to = Math.min(end, now);
    if (start >= until || (!isSilent && isDisplaced({ start, end }, shareAt, isAhead))) return false;
    if (shareAt?.(start, to) !== undefined && to - until <= MOST_UNTOLD * (to - start) && lateMs <= MOST_LATE * (to - start)) return true;
    return isSilent ? newest >= Math.min(end, now - LIVE_MS) : until >= end + lateMs;
  };
}

/** The shares that are known in the minutes of a stretch; just after a change it is not known. */
function sharesIn(shareAt: ShareAt, start: number, end: number): readonly number[] {
  const shares: number[] = [];
  for (let at = start; at <= end; at += MINUTE_MS) shares.push(shareAt(at, at) ?? Number.NaN);
  return shares.filter((share) => !Number.isNaN(share));
}

/**
 * Whether a stretch may have fewer records of the candidate than answers because the clock of the log is wrong: where it is behind, records are of answers that came later, when the share had fallen, and where it is
 * ahead, of such as came before it rose.
 */
function isDisplaced({ start, end }: Pick<Exposure, 'start' | 'end'>, shareAt: ShareAt | undefined, isAhead: boolean): boolean {
  if (shareAt === undefined || shareAt(start - (isAhead ? BEHIND_MS : 0), end + BEHIND_MS) !== undefined) return false;
  const falls = (shares: readonly number[]): boolean => shares.some((share, index) => share < (shares[index - 1] ?? 0));
  return falls(sharesIn(shareAt, start, end + BEHIND_MS)) || (isAhead && falls(sharesIn(shareAt, start - BEHIND_MS, end).toReversed()));
}

/**
 * What is missing of a stretch, as it is tested: answers are counted for all of it, so where the share changed meanwhile each that is missing may be of the time in which it was largest. Both arms alike may have lost what was told then;
 * by the answers of the whole stretch the candidate would have lost more (Simpson).
 */
function atLargestShare(interval: CountInterval, { start, end }: Exposure, shareAt: ShareAt | undefined): CountInterval {
  if (shareAt === undefined || shareAt(start, end) !== undefined) return interval;
  const largest = Math.max(0, ...sharesIn(shareAt, start, end + 2 * MINUTE_MS));
  return largest === 0 ? interval : { ...interval, currentCount: Math.min(interval.currentCount, (interval.candidateCount * (1 - largest)) / largest) };
}

/** The hours of one log that count, with what is missing in each. */
function missingIn({ exposures, candidate, current, told, service }: AnswerLog, options: SilenceOptions): readonly (Exposure & { readonly own: number; readonly other: number; readonly service?: string })[] {
  const windows = [...candidate, ...current].filter((window) => answersIn(window) > 0);
  const [own, other] = [ordered(candidate), ordered(current)];
  const answered = ({ windows: all, starts }: Ordered, { start, end }: Exposure): number => sum(all.slice(countBelow(starts, start), countBelow(starts, end)), answersIn);
  return withWholeWindows(exposures, windows).filter(isTold(told, options)).map((each) => ({
    ...each, own: Math.max(0, each.yes - answered(own, each)), other: Math.max(0, each.no - answered(other, each)), ...(service === undefined ? {} : { service }),
  }));
}

/**
 * Predictions that are missing although the exposure counters say that the arm was chosen, as bad events of that arm: a crashed candidate logs nothing, so without this it would
 * have no failures. What is lost in both arms alike (a record that could not be written, a flag that is asked twice for one prediction) is no evidence, and what may only not have been told yet does not count. When nothing at all is told, nothing is
 * known about either arm: that is missing data, not a failure. Several services are put together by strata: what one of them loses in both arms alike would be more of the candidate in their sum, where its users have another mix of arms (Simpson).
 */
export function silence(logs: readonly AnswerLog[], options: SilenceOptions): Silence {
  const { dispersion = 1, shareAt } = options;
  const told = logs.flatMap((log) => missingIn(log, options)).sort((a, b) => a.start - b.start);
  let before = 0;
  const tested: CountInterval[] = [];
  const intervals = told.map((each): CountInterval => {
    const { yes, no, own, other, service } = each;
    const interval = { candidateBad: own / dispersion, bad: (own + other) / dispersion, candidateCount: yes / dispersion, currentCount: no / dispersion, block: Math.floor(before / BLOCK), ...(service === undefined ? {} : { service }) };
    before += yes + no;
    tested.push(atLargestShare(interval, each, shareAt));
    return interval;
  });
  return {
    intervals,
    candidate: { chosen: sum(told, ({ yes }) => yes), missing: sum(told, ({ own }) => own) },
    current: { chosen: sum(told, ({ no }) => no), missing: sum(told, ({ other }) => other) },
    // At 100 % there is nothing to compare with, and the smaller of both is 0.
    evidence: guardEvidence(tested, MISSING_RATIO, MISSING_LEAST),
  };
}

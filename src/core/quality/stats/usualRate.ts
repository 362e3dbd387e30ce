import { evidenceNotWorse, guardEvidence, type CountInterval } from './countRule.ts';
import { RateChange, type Counted } from './rateChange.ts';

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];
/** From so many times the usual rate on, what makes both arms fail says nothing of the candidate by itself; by the hours of a day rates vary less. */
export const UNUSUAL = 5;
/** The usual rate is that at which, or at a lower one, the current version was for so much of what it was asked; that of an hour of the day, for so many of the other days. */
const USUALLY = 0.4;

/** Intervals of one service in which the current version fails at the same rate. */
interface Stretch extends Counted {
  bad: number;
  count: number;
  readonly places: number[];
}

/**
 * Intervals in which the current version fails far more often than usual, with only as many bad events in both arms as there would have been usually. What makes both arms fail alike, such as an outage of a service that both ask, has thousands of bad
 * events that say nothing of the candidate by itself, and would outweigh what it showed the rest of the time. A likelihood ratio to a power below 1 has no larger mean (Jensen); the power depends on the current version's own bad events, and is smaller where it
 * has more of them by chance, which is where a candidate looks good. Usual is also what the same hour (of UTC) of most other days came to: a nightly batch comes back, an outage does not.
 */
export function atUsualRate<T extends CountInterval>(intervals: readonly T[]): readonly T[] {
  return scaled(intervals, ratesOfHours);
}

/**
 * `evidenceNotWorse` at the usual rate. Where hours that come back count in full, less what the rest of the time shows for worse than current: a candidate that fails twice as often then would be hidden by what both have in those hours.
 */
export function evidenceNotWorseUsually(intervals: readonly CountInterval[], ratio: number, minRate = 0, absolute: readonly CountInterval[] = intervals): number {
  const [daily, rest] = [atUsualRate(intervals), scaled(intervals, () => () => 0)];
  const comesBack = daily.some(({ bad }, index) => bad !== rest[index]?.bad);
  return evidenceNotWorse(daily, ratio, minRate, absolute) - (comesBack ? Math.max(0, guardEvidence(rest, 1, minRate).plain) : 0);
}

/** Which rate is usual at an interval beside that of most of the time, of a service. */
type UsualAt = (stretches: readonly Stretch[], intervals: readonly CountInterval[]) => (interval: CountInterval) => number;

function scaled<T extends CountInterval>(intervals: readonly T[], usualAt: UsualAt): readonly T[] {
  const found = [...intervals];
  for (const stretches of stretchesOf(intervals)) {
    const [usual, also] = [usualRate(stretches), usualAt(stretches, intervals)];
    for (const stretch of stretches) {
      const rate = rateOf(stretch);
      if (rate <= UNUSUAL * usual) continue;
      for (const place of stretch.places) {
        const interval = intervals[place];
        if (interval === undefined) continue;
        const most = Math.max(usual, also(interval));
        if (rate > UNUSUAL * most) found[place] = { ...interval, candidateBad: (most / rate) * interval.candidateBad, bad: (most / rate) * interval.bad };
      }
    }
  }
  return found;
}

function rateOf({ bad, count }: Counted): number {
  return count > 0 ? bad / count : 0;
}

/** By service. */
function stretchesOf(intervals: readonly CountInterval[]): readonly (readonly Stretch[])[] {
  const services = new Map<string, { readonly change: RateChange; readonly stretches: Stretch[]; piece: Stretch }>();
  const none = (): Stretch => ({ bad: 0, count: 0, places: [] });
  for (const [place, { service = '', bad, candidateBad, currentCount: count }] of intervals.entries()) {
    const own = services.get(service) ?? { change: new RateChange(), stretches: [], piece: none() };
    services.set(service, own);
    const counted = { bad: bad - candidateBad, count };
    addTo(own.piece, { ...counted, places: [place] });
    const found = own.change.add(counted);
    if (found === 'open') continue;
    join(own.stretches, own.piece, found);
    own.piece = none();
  }
  // What is too little to be a piece says nothing of a rate by itself.
  for (const { stretches, piece } of services.values()) join(stretches, piece, 'alike');
  return [...services.values()].map(({ stretches }) => stretches);
}

function join(stretches: Stretch[], piece: Stretch, as: 'alike' | 'changed'): void {
  const last = stretches.at(-1);
  if (last === undefined || as === 'changed') stretches.push(piece);
  else addTo(last, piece);
}

function addTo(stretch: Stretch, { bad, count, places }: Stretch): void {
  stretch.bad += bad;
  stretch.count += count;
  for (const place of places) stretch.places.push(place);
}

/** What the hour of the day in which an interval begins usually came to on the other days: 0 where there are none. Of each day its highest rate, for a stretch of many bad events may begin and end within the hour. */
function ratesOfHours(stretches: readonly Stretch[], intervals: readonly CountInterval[]): (interval: CountInterval) => number {
  const days = new Map<number, Map<number, number>>();
  const timeOf = (start: number): readonly [hour: number, day: number] => [Math.floor((start % DAY_MS) / HOUR_MS), Math.floor(start / DAY_MS)];
  for (const stretch of stretches) {
    for (const { start, currentCount } of stretch.places.flatMap((place) => intervals[place] ?? [])) {
      if (start === undefined || currentCount === 0) continue;
      const [hour, day] = timeOf(start);
      const rates = days.get(hour) ?? new Map<number, number>();
      days.set(hour, rates.set(day, Math.max(rates.get(day) ?? 0, rateOf(stretch))));
    }
  }
  return ({ start }) => {
    if (start === undefined) return 0;
    const [hour, day] = timeOf(start);
    return usualRate([...(days.get(hour) ?? [])].flatMap(([other, rate]) => (other === day ? [] : [{ bad: rate, count: 1 }])));
  };
}

function usualRate(stretches: readonly Counted[]): number {
  const all = stretches.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  for (const stretch of stretches.toSorted((a, b) => rateOf(a) - rateOf(b))) {
    before += stretch.count;
    if (before >= USUALLY * all) return rateOf(stretch);
  }
  return 0;
}

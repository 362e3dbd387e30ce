import type { CountInterval } from './countRule.ts';
import { RateChange, type Counted } from './rateChange.ts';

/** From so many times the usual rate on, what makes both arms fail says nothing of the candidate by itself; by the hours of a day rates vary less. */
export const UNUSUAL = 5;
/** The usual rate is that at which, or at a lower one, the current version was for so much of what it was asked. */
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
 * has more of them by chance, which is where a candidate looks good.
 */
export function atUsualRate<T extends CountInterval>(intervals: readonly T[]): readonly T[] {
  const scaled = [...intervals];
  for (const stretches of stretchesOf(intervals)) {
    const usual = usualRate(stretches);
    for (const stretch of stretches) {
      const times = rateOf(stretch) > UNUSUAL * usual ? usual / rateOf(stretch) : 1;
      for (const place of stretch.places) {
        const interval = intervals[place];
        if (interval !== undefined && times < 1) scaled[place] = { ...interval, candidateBad: times * interval.candidateBad, bad: times * interval.bad };
      }
    }
  }
  return scaled;
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

function usualRate(stretches: readonly Stretch[]): number {
  const all = stretches.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  for (const stretch of stretches.toSorted((a, b) => rateOf(a) - rateOf(b))) {
    before += stretch.count;
    if (before >= USUALLY * all) return rateOf(stretch);
  }
  return 0;
}

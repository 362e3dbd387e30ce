import type { CountInterval } from './countRule.ts';
import { RateChange, type Counted } from './rateChange.ts';

/** The rate at which the current version usually fails: of all that it was asked a quarter was at this one, or at lower ones. */
const USUAL = 0.25;

/** Intervals of one service in which the current version fails at the same rate. */
interface Stretch extends Counted {
  bad: number;
  count: number;
  readonly places: number[];
}

/**
 * Intervals in which the current version fails more often than usual, with only as many bad events in both arms as there would have been usually. What makes both arms fail alike, such as an outage of a service that both ask, has thousands of bad
 * events that say nothing of the candidate by itself, and would outweigh what it showed in quiet times. A likelihood ratio to a power below 1 has no larger mean (Jensen), so evidence that was valid is so still.
 */
export function atUsualRate<T extends CountInterval>(intervals: readonly T[]): readonly T[] {
  const scaled = [...intervals];
  for (const stretches of stretchesOf(intervals)) {
    const usual = usualRate(stretches);
    for (const stretch of stretches) {
      const times = rateOf(stretch) > usual ? usual / rateOf(stretch) : 1;
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
    if (before >= USUAL * all) return rateOf(stretch);
  }
  return 0;
}

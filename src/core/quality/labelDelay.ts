import { durationWords } from '../base/duration.ts';
import { countWords } from '../base/words.ts';
import { Reservoir, type SavedReservoir } from './reservoir.ts';
import { quantile } from './stats/orderStatistics.ts';
import type { LabelDelay } from './window.ts';

const SAMPLE = 5000;

/** What is known of delays, to go on from later. */
export interface SavedDelays {
  readonly sample: SavedReservoir;
  readonly known: number;
  readonly withoutTime: number;
  readonly before: number;
}

/** How long outcomes come after their predictions: of predictions that have matured, for before that only quick outcomes are known. */
export class LabelDelays {
  readonly #sample: Reservoir;
  #known: number;
  #withoutTime: number;
  #before: number;

  constructor(saved?: SavedDelays) {
    this.#sample = new Reservoir(SAMPLE, 1, saved?.sample);
    [this.#known, this.#withoutTime, this.#before] = [saved?.known ?? 0, saved?.withoutTime ?? 0, saved?.before ?? 0];
  }

  get saved(): SavedDelays {
    return { sample: this.#sample.saved, known: this.#known, withoutTime: this.#withoutTime, before: this.#before };
  }

  /** @param predicted milliseconds since 1970 @param told the time that the outcome's record bears, NaN: none @param times -1: takes back what was added */
  add(predicted: number, told: number, times: 1 | -1 = 1): void {
    if (Number.isNaN(told)) {
      this.#withoutTime += times;
      return;
    }
    this.#known += times;
    if (told < predicted) this.#before += times;
    const delay = Math.max(0, told - predicted);
    if (times === 1) this.#sample.add(delay);
    else this.#sample.remove(delay);
  }

  /** Undefined: no outcome was told. */
  get told(): LabelDelay | undefined {
    const [known, withoutTime, before] = [this.#known, this.#withoutTime, this.#before];
    if (known === 0) return withoutTime === 0 ? undefined : { known, withoutTime, before };
    const sorted = Float64Array.from(this.#sample.values).sort();
    return { known, withoutTime, before, median: Math.round(quantile(sorted, 0.5)), p95: Math.round(quantile(sorted, 0.95)) };
  }
}

function words(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : durationWords(ms);
}

/** `2 d 3 h, 95 % within 6 d (n 1.2k)`. */
export function labelDelayWords(delay: LabelDelay | undefined): string {
  if (delay === undefined) return '-';
  const { known, withoutTime, before, median, p95 } = delay;
  if (median === undefined || p95 === undefined) return `not known: ${countWords(withoutTime)} outcomes bear no ts`;
  const apart = [...(withoutTime === 0 ? [] : [`${countWords(withoutTime)} without ts`]), ...(before === 0 ? [] : [`${countWords(before)} before their prediction: a clock is wrong`])];
  return `${words(median)}, 95 % within ${words(p95)} (${[`n ${countWords(known)}`, ...apart].join(', ')})`;
}

import type { RecordLike } from '../expressions/evaluate.ts';
import type { Group } from './groups.ts';
import { HashSlots, NumberColumn, RecordColumns } from './hashSlots.ts';

/** The time of an outcome that stands in the record of its prediction. */
export const OWN = Number.NEGATIVE_INFINITY;

/** A prediction whose outcome is known and final, or will not come. */
export interface Waiting {
  readonly record: RecordLike;
  readonly group: Group;
  readonly slices: readonly string[];
  readonly unitHash: number;
  readonly at: number;
}

/** An outcome as its record told it. */
export interface ToldOutcome {
  readonly outcome: RecordLike;
  /** The time that the record bears, in milliseconds since 1970; NaN: none. */
  readonly at: number;
}

export interface OutcomeFields {
  /** What is kept of a prediction, and of an outcome. */
  readonly kept: Iterable<string>;
  readonly outcome: readonly string[];
}

/** Predictions that wait for their outcome, or may be corrected, by the hash of their request. */
export class WaitingPredictions {
  readonly slots = new HashSlots();
  readonly records: RecordColumns;
  readonly outcomes: RecordColumns;
  /** When the outcomes were told: `ToldOutcome.at`, or `OWN`. */
  readonly told = new NumberColumn();
  readonly hasOutcome: boolean[] = [];
  readonly hasMatured: boolean[] = [];
  readonly groups: Group[] = [];
  readonly slices: (readonly string[])[] = [];
  readonly units = new NumberColumn();
  readonly times = new NumberColumn();

  constructor({ kept, outcome }: OutcomeFields) {
    this.records = new RecordColumns(kept);
    this.outcomes = new RecordColumns(outcome);
  }

  /** What counts as the outcome from now on. */
  setTold(place: number, { outcome, at }: ToldOutcome): void {
    this.hasOutcome[place] = true;
    this.outcomes.set(place, outcome);
    this.told.set(place, at);
  }

  /** The outcome that counts by now. */
  toldOf(place: number): ToldOutcome | undefined {
    const { hasOutcome, outcomes, told } = this;
    if (hasOutcome[place] !== true) return undefined;
    const at = told.get(place);
    return { outcome: outcomes.get(place), at: at === OWN ? Number.NaN : at };
  }

  /** The prediction at a place. */
  at(place: number): Omit<Waiting, 'group'> & { readonly group: Group | undefined } {
    const { records, groups, slices, units, times } = this;
    return { record: records.get(place), group: groups[place], slices: slices[place] ?? [], unitHash: units.get(place), at: times.get(place) };
  }
}

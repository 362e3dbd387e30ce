import type { RecordLike } from '../expressions/evaluate.ts';
import type { Group } from './groups.ts';
import { HashSlots, NumberColumn, RecordColumns } from './hashSlots.ts';
import { OWN } from './outcomeRank.ts';

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
  /** The one of the outcome's that tells the label. */
  readonly label: string;
}

/** Predictions that wait for their outcome, or may be corrected, by the hash of their request. */
export class WaitingPredictions {
  readonly slots = new HashSlots();
  readonly records: RecordColumns;
  readonly outcomes: RecordColumns;
  /** When each field of the outcomes was told: `ToldOutcome.at`, or `OWN`. */
  readonly told: ReadonlyMap<string, NumberColumn>;
  readonly hasOutcome: boolean[] = [];
  readonly hasMatured: boolean[] = [];
  readonly groups: Group[] = [];
  readonly slices: (readonly string[])[] = [];
  readonly units = new NumberColumn();
  readonly times = new NumberColumn();

  readonly #label: string;

  constructor({ kept, outcome, label }: OutcomeFields) {
    this.records = new RecordColumns(kept);
    this.outcomes = new RecordColumns(outcome);
    this.told = new Map(outcome.map((field) => [field, new NumberColumn()]));
    this.#label = label;
  }

  /** When a field of the outcome was told; it must have been. */
  toldAt(place: number, field: string): number {
    return this.told.get(field)?.get(place) ?? Number.NaN;
  }

  /** What counts as the outcome from now on; `fields`: those of it that are told at that time. */
  setTold(place: number, { outcome, at }: ToldOutcome, fields: Iterable<string>): void {
    this.hasOutcome[place] = true;
    this.outcomes.set(place, outcome);
    for (const field of fields) this.told.get(field)?.set(place, at);
  }

  /** The outcome that counts by now. Its time is that of the label, or where there is none, of what was told last. */
  toldOf(place: number): ToldOutcome | undefined {
    if (this.hasOutcome[place] !== true) return undefined;
    const outcome = this.outcomes.get(place);
    let at = Number.NaN;
    for (const field of this.told.keys()) {
      if (outcome[field] === undefined) continue;
      const told = this.toldAt(place, field);
      const time = told === OWN ? Number.NaN : told;
      if (field === this.#label) return { outcome, at: time };
      if (!(time <= at) && !Number.isNaN(time)) at = time;
    }
    return { outcome, at };
  }

  /** The prediction at a place. */
  at(place: number): Omit<Waiting, 'group'> & { readonly group: Group | undefined } {
    const { records, groups, slices, units, times } = this;
    return { record: records.get(place), group: groups[place], slices: slices[place] ?? [], unitHash: units.get(place), at: times.get(place) };
  }
}

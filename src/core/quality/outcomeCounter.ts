import type { RecordLike } from '../expressions/evaluate.ts';
import type { QualityDefinition } from './definitions.ts';
import { addTo, type Groups } from './groups.ts';
import { valueOf } from './measures.ts';
import { Outcomes, type SavedOutcomes, type ToldOutcome, type Waiting } from './outcomes.ts';
import type { Stager } from './stager.ts';
import type { Units } from './units.ts';

/** What is known of outcomes, to go on from later. */
export interface SavedOutcomeCounter {
  readonly waiting: SavedOutcomes;
  readonly blank: number;
}

/** Counts what needs outcomes: of each prediction, in its window, when it has matured. */
export class OutcomeCounter {
  readonly #definition: QualityDefinition;
  readonly #stager: Stager;
  readonly #groups: Groups;
  readonly #units: Units;
  /** The metrics that need outcomes. */
  readonly #metrics: readonly { readonly metric: number; readonly read: (record: RecordLike) => number | null }[];
  readonly #outcomes: Outcomes;
  /** Records of outcomes that tell none. */
  #blank = 0;

  constructor(definition: QualityDefinition, stager: Stager, groups: Groups, units: Units, saved?: SavedOutcomeCounter) {
    const { metrics, labels } = definition;
    this.#definition = definition;
    this.#stager = stager;
    this.#groups = groups;
    this.#units = units;
    this.#metrics = metrics.flatMap((metric, index) => (metric.labelled ? [{ metric: index, read: valueOf(metric, labels) }] : []));
    const { keptFields: kept, outcomeFields: outcome } = stager;
    this.#outcomes = new Outcomes(definition, { kept, outcome }, { settled: (waiting, told, isNew) => this.#settled(waiting, told, isNew), matured: ({ armCollector }, at) => armCollector.matured(at) });
    if (saved === undefined) return;
    this.#outcomes.restore(saved.waiting, groups.all);
    this.#blank = saved.blank;
  }

  get saved(): SavedOutcomeCounter {
    return { waiting: this.#outcomes.saved, blank: this.#blank };
  }

  /** A prediction; `own` is the outcome that stands in it. */
  wait(request: number, own: RecordLike | undefined, waiting: Waiting): void {
    this.#outcomes.wait(request, own, waiting);
  }

  /** What a record of an outcome tells; undefined: nothing. `at`: the time that it bears, in milliseconds since 1970; NaN: none. */
  add(request: number, outcome: RecordLike | undefined, at: number): void {
    if (outcome === undefined) this.#blank += 1;
    else if (this.#metrics.length > 0) this.#outcomes.add(request, outcome, at);
  }

  settle(now: number): void {
    this.#outcomes.settle(now);
  }

  get withoutPrediction(): number {
    return this.#outcomes.withoutPrediction;
  }

  get messages(): readonly string[] {
    const { oneIn } = this.#outcomes;
    return [
      ...(oneIn === 1 ? [] : [`More predictions and outcomes wait for each other than can be kept: metrics that need outcomes follow one request in ${oneIn}, drawn by its id.`]),
      ...(this.#blank === 0 ? [] : [`${this.#blank.toLocaleString('en')} records of outcomes tell none (${this.#stager.outcomeFields.join(', ')}: null, blank or NaN): their predictions have no outcome by them.`]),
    ];
  }

  #settled({ record, group, slices, unitHash, at }: Waiting, told: ToldOutcome | undefined, isNew: boolean): void {
    const { labels } = this.#definition;
    const whole = { ...record, ...this.#stager.filled(told?.outcome ?? {}) };
    if (isNew) group.armCollector.matured(at);
    if (told !== undefined) group.delays.add(at, told.at);
    if (this.#stager.isLabelledBy(whole)) group.armCollector.addOutcome(whole, labels.field, at);
    const unit = this.#units.see(unitHash, group.number);
    const windows = [undefined, ...slices].map((slice) => this.#groups.window(group, at, slice));
    for (const { metric, read } of this.#metrics) {
      const value = read(whole);
      if (value === null) continue;
      for (const { sums } of windows) addTo(sums, metric, value);
      this.#units.add(unit, metric, value);
    }
  }
}

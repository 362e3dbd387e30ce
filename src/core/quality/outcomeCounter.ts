import { durationWords } from '../base/duration.ts';
import type { RecordLike } from '../expressions/evaluate.ts';
import { ClassCounts, type SavedClasses } from './classCounts.ts';
import type { QualityDefinition } from './definitions.ts';
import type { Groups } from './groups.ts';
import { RecentHashes, type SavedHashes } from './hashing.ts';
import type { LabelSlot } from './labelSlots.ts';
import { isDecided, valueOf } from './measures.ts';
import { Outcomes, type SavedOutcomes } from './outcomes.ts';
import { MOST_OF_ONE } from './severalOutcomes.ts';
import type { Stager } from './stager.ts';
import { addTo } from './sums.ts';
import { isOfAPart } from './toldShare.ts';
import type { Units } from './units.ts';
import { outcomeReaders, untoldFieldMessages } from './untoldFields.ts';
import type { ToldOutcome, Waiting } from './waitingPredictions.ts';

/** What is known of outcomes, to go on from later. */
export interface SavedOutcomeCounter {
  readonly waiting: SavedOutcomes;
  readonly blank: number;
  /** Fields that metrics read and nothing has told. */
  readonly untold: readonly string[];
  /** Where `where` leaves predictions out. */
  readonly leftOut?: SavedHashes | undefined;
  readonly classes: SavedClasses;
}

/** What an `OutcomeCounter` counts with. */
interface CountedBy {
  readonly stager: Stager;
  readonly slots: readonly LabelSlot[];
  readonly groups: Groups;
  readonly units: Units;
}

/** Counts what needs outcomes: of each prediction, in its window, when it has matured. */
export class OutcomeCounter {
  readonly #definition: QualityDefinition;
  readonly #stager: Stager;
  readonly #slots: readonly LabelSlot[];
  readonly #groups: Groups;
  readonly #units: Units;
  /** The metrics that need outcomes. */
  readonly #metrics: readonly { readonly metric: number; readonly read: (record: RecordLike) => number | null }[];
  /** Whether any of them is of a part of what was decided. */
  readonly #isOfDecisions: boolean;
  readonly #outcomes: Outcomes;
  readonly classes: ClassCounts;
  /** Records of outcomes that tell none. */
  #blank = 0;
  /** By field of the outcome, the metrics that read it; and those of them that nothing has told yet. */
  readonly #readers: ReadonlyMap<string, readonly string[]>;
  readonly #untold: Set<string>;
  /** Predictions that `where` leaves out: their outcomes wait for nothing. */
  readonly #leftOut: RecentHashes | undefined;

  constructor(definition: QualityDefinition, { stager, slots, groups, units }: CountedBy, saved?: SavedOutcomeCounter) {
    const { metrics, labels } = definition;
    this.#definition = definition;
    this.#stager = stager;
    this.#slots = slots;
    this.#groups = groups;
    this.#units = units;
    this.#metrics = metrics.flatMap((metric, index) => (metric.labelled ? [{ metric: index, read: valueOf(metric, labels) }] : []));
    this.#isOfDecisions = metrics.some(isOfAPart);
    this.#readers = outcomeReaders(metrics, labels);
    this.#leftOut = definition.where === undefined || !stager.isLabelled ? undefined : new RecentHashes(undefined, saved?.leftOut);
    this.#untold = new Set(saved?.untold ?? this.#readers.keys());
    this.classes = new ClassCounts(labels, metrics, saved?.classes);
    const { keptFields: kept, outcomeFields: outcome } = stager;
    this.#outcomes = new Outcomes(definition, { kept, outcome, label: labels.field }, {
      settled: (waiting, told, isNew) => {
        if (isNew) this.#matured(waiting);
        else this.#label(waiting, undefined, -1);
        this.#count(waiting, told, 1);
      },
      changed: (waiting, before, told) => {
        this.#count(waiting, before, -1);
        this.#count(waiting, told, 1);
      },
      matured: (waiting) => {
        this.#matured(waiting);
        this.#label(waiting, undefined, 1);
      },
    });
    if (saved === undefined) return;
    this.#outcomes.restore(saved.waiting, groups.all);
    this.#blank = saved.blank;
  }

  get saved(): SavedOutcomeCounter {
    return { waiting: this.#outcomes.saved, blank: this.#blank, untold: [...this.#untold], leftOut: this.#leftOut?.saved, classes: this.classes.saved };
  }

  /** A prediction; `own` is the outcome that stands in it. */
  wait(request: number, own: RecordLike | undefined, waiting: Waiting): void {
    if (own !== undefined) this.#tell(own);
    this.#outcomes.wait(request, own, waiting);
  }

  /** What a record of an outcome tells; undefined: nothing. `at`: the time that it bears, in milliseconds since 1970; NaN: none. */
  add(request: number, outcome: RecordLike | undefined, at: number): void {
    if (outcome !== undefined) this.#tell(outcome);
    if (outcome === undefined) this.#blank += 1;
    else if (this.#metrics.length > 0 && (this.#leftOut?.has(request) !== true || this.#outcomes.has(request))) this.#outcomes.add(request, outcome, at);
  }

  /** A prediction that does not count; 0: it has no id. */
  leaveOut(request: number): void {
    if (this.#leftOut === undefined || request === 0) return;
    this.#leftOut.seen(request);
    this.#outcomes.leaveOut(request);
  }

  #tell(outcome: RecordLike): void {
    for (const field of this.#untold) if (outcome[field] !== undefined) this.#untold.delete(field);
  }

  settle(now: number): void {
    this.#outcomes.settle(now);
  }

  get withoutPrediction(): number {
    return this.#outcomes.withoutPrediction;
  }

  /** `features`: the names of those that came; undefined: no prediction came. */
  messages(features: ReadonlySet<string> | undefined): readonly string[] {
    const { oneIn, tooLate, withoutTime, passedOver, elsewhere } = this.#outcomes;
    const { matureAfterMs, absentMeans } = this.#definition.labels;
    const told = (count: number, words: string): readonly string[] => (count === 0 ? [] : [`${count.toLocaleString('en')} ${words}`]);
    return [
      ...(features === undefined ? [] : untoldFieldMessages(this.#untold, this.#readers, this.#definition.labels, features)),
      ...(oneIn === 1 ? [] : [`More predictions and outcomes wait for each other than can be kept: metrics that need outcomes follow one request in ${oneIn}, drawn by its id.`]),
      ...this.classes.messages,
      ...told(this.#blank, `records of outcomes tell none (${this.#stager.outcomeFields.join(', ')}: null, blank or NaN): their predictions have no outcome by them.`),
      ...told(passedOver, `predictions had more than ${MOST_OF_ONE} outcomes before they came themselves, and the one that counts may not be among those that were kept. Write outcomes into files of their own, which source.outcomes names: they are read after the predictions.`),
      ...told(elsewhere, 'predictions have the request id of one of another environment, as mirrored traffic has: outcomes are counted with the one that was read first, and metrics that need them leave the others out. Log each environment into files of its own, and name those of one.'),
      ...told(tooLate, `outcomes bear a ts that is more than labels.mature_after (${durationWords(matureAfterMs)}) after that of their prediction: they do not count: what was known by then does, and where nothing was, absent_means (${String(absentMeans)}). Raise mature_after where outcomes take longer.`),
      ...told(withoutTime, 'outcomes bear no ts: whether they came within labels.mature_after is not known, so they count whenever they come, also where their prediction has counted as absent_means before. Log ts with outcomes.'),
    ];
  }

  /** The number of its unit, -1 where what that comes to is not counted. */
  #unitOf({ group, unitHash, at }: Waiting): number {
    return at < this.#units.from ? -1 : this.#units.see(unitHash, group.audience.number);
  }

  #matured({ group, at }: Waiting): void {
    group.audience.collector.matured(at);
    if (this.#metrics.length > 0) this.#groups.countMatured(this.#groups.window(group, at, undefined));
  }

  /** Counts whether a matured prediction has an outcome with what metrics need; `told`: the outcome, and the prediction with it. `times`: -1 takes back what was counted. */
  #label(waiting: Waiting, told: { readonly outcome: RecordLike; readonly whole: RecordLike } | undefined, times: 1 | -1): void {
    if (this.#slots.length === 0) return;
    const { group, at } = waiting;
    const window = this.#groups.window(group, at, undefined);
    const unit = this.#unitOf(waiting);
    for (const [slot, { isTold }] of this.#slots.entries()) {
      const isLabelled = told !== undefined && isTold(told.outcome, told.whole);
      if (isLabelled) this.#groups.countLabelled(window, slot, times);
      this.#units.add(unit, this.#definition.metrics.length + slot, Number(isLabelled), times);
    }
  }

  /** Counts a prediction with its outcome, or without one where that means something; `times`: -1 takes back what was counted. */
  #count(waiting: Waiting, told: ToldOutcome | undefined, times: 1 | -1): void {
    const { record, group, slices, at } = waiting;
    const { labels } = this.#definition;
    const { collector, delays } = group.audience;
    const whole = { ...record, ...this.#stager.filled(told?.outcome ?? {}) };
    this.#label(waiting, { outcome: told?.outcome ?? {}, whole }, times);
    if (told !== undefined) delays.add(at, told.at, times);
    if (told !== undefined && this.#stager.isLabelledBy(told.outcome)) collector.labelled(at, times);
    if (this.#stager.isLabelledBy(whole)) collector.addOutcome(whole, labels, at, times);
    this.classes.add(whole, times);
    const unit = this.#unitOf(waiting);
    if (this.#isOfDecisions && isDecided(whole, labels)) this.#groups.countDecided(this.#groups.window(group, at, undefined), times);
    const values = this.#metrics.flatMap(({ metric, read }) => {
      const value = read(whole);
      return value === null ? [] : [{ metric, value }];
    });
    // One window after the other: asking for the next may put this one together with others.
    for (const slice of [undefined, ...slices]) {
      const { sums } = this.#groups.window(group, at, slice);
      for (const { metric, value } of values) addTo(sums, metric, value, times);
    }
    for (const { metric, value } of values) this.#units.add(unit, metric, value, times);
  }
}

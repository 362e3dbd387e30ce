import type { RecordLike } from '../expressions/evaluate.ts';
import { plainLine } from '../base/words.ts';
import type { LabelDefinition, Measure, MetricDefinition } from './definitions.ts';
import { isDivided, isOfClasses } from './measures.ts';
import type { UnitSums } from './stats/dispersion.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

/** A share of the predictions that is too small to be spoken of: one label that was written wrongly makes no classes. */
const LITTLE = 0.01;
/** Measures of yes and no. */
const OF_BINARY: ReadonlySet<Measure | undefined> = new Set(['precision', 'recall', 'brier', 'pr_auc']);

/** What is known of classes, to go on from later. */
export interface SavedClasses {
  readonly told: number;
  readonly ofClasses: number;
  readonly divided: number;
}

/**
 * Counts predictions whose label or outcome is one class of many. Where there are such, 0 and 1 are classes, too: by itself no record shows that they are not no and yes, so what metrics of yes and no
 * made of them counts for nothing.
 */
export class ClassCounts {
  readonly #labels: LabelDefinition;
  readonly #metrics: readonly MetricDefinition[];
  /** Predictions with an outcome; those among them that are of classes, and those that the threshold judges though their label stands there. */
  #told: number;
  #ofClasses: number;
  #divided: number;

  constructor(labels: LabelDefinition, metrics: readonly MetricDefinition[], saved?: SavedClasses) {
    this.#labels = labels;
    this.#metrics = metrics.filter(({ measure }) => OF_BINARY.has(measure) || measure === 'accuracy');
    [this.#told, this.#ofClasses, this.#divided] = [saved?.told ?? 0, saved?.ofClasses ?? 0, saved?.divided ?? 0];
  }

  get saved(): SavedClasses {
    return { told: this.#told, ofClasses: this.#ofClasses, divided: this.#divided };
  }

  /** A prediction with its outcome; `times`: -1 takes back what was counted. */
  add(record: RecordLike, times: 1 | -1): void {
    const { field } = this.#labels;
    if (this.#metrics.length === 0 || record[field] === undefined) return;
    this.#told += times;
    if (isOfClasses(record, field)) this.#ofClasses += times;
    else if (isDivided(record, this.#labels)) this.#divided += times;
  }

  /** The metrics that nothing is known of. */
  get #untold(): readonly MetricDefinition[] {
    if (this.#ofClasses <= LITTLE * this.#told) return [];
    return this.#metrics.filter(({ measure }) => OF_BINARY.has(measure) || this.#divided > LITTLE * this.#told);
  }

  /** What was counted, without those metrics. */
  without(windows: readonly QualityWindow[], arms: readonly ArmSummary[]): { readonly windows: readonly QualityWindow[]; readonly arms: readonly ArmSummary[] } {
    const names = new Set(this.#untold.map(({ name }) => name));
    if (names.size === 0) return { windows, arms };
    const rest = <T>(of: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(Object.entries(of).filter(([name]) => !names.has(name)));
    return { windows: windows.map((window) => ({ ...window, metrics: rest(window.metrics) })), arms: arms.map((arm) => ({ ...arm, unitSums: rest<UnitSums>(arm.unitSums) })) };
  }

  get messages(): readonly string[] {
    const untold = this.#untold;
    if (untold.length === 0) return [];
    const [mends, names] = [untold.some(({ measure }) => measure === 'accuracy') ? ' Leave labels.threshold out: it decides in the place of labels.' : '', untold.map(({ name }) => plainLine(name, 60))];
    return [`${this.#ofClasses.toLocaleString('en')} of ${this.#told.toLocaleString('en')} predictions with an outcome have a label or an outcome that is one class of several, so 0 and 1 are classes, too, and say neither no nor yes: ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not told.${mends}`];
  }
}

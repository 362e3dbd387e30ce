import { type RecordLike } from '../expressions/evaluate.ts';
import type { FeatureOptions } from './armCollector.ts';
import { Batch, EXCLUDED, WITHOUT_UNIT } from './batch.ts';
import type { QualityDefinition } from './definitions.ts';
import { EarlierHours, type SavedHours } from './earlierHours.ts';
import { readsOutcome } from './definitions.ts';
import { Groups, type Group, type SavedGroups, type WindowState } from './groups.ts';
import { hash53, RecentHashes, rehash, type SavedHashes } from './hashing.ts';
import { scoreOf, valueOf } from './measures.ts';
import { Outcomes, type Waiting } from './outcomes.ts';
import { RecordTimes } from './recordTimes.ts';
import { ShadowCollector } from './shadowCollector.ts';
import { Units, type SavedUnits } from './units.ts';
import { NO_NOTES, type QualityData, type SourceNotes } from './window.ts';

const MOST_EXAMPLES = 5;
const MOST_SLICES = 50;
/** A record from further in the future says that a clock is wrong. */
const SKEW_MS = 60_000;
const RECORD_FIELDS: ReadonlySet<string> = new Set(['ts', 'request_id', 'unit_id', 'environment', 'service', 'app_version', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features', 'score', 'proba', 'label', 'latency_ms', 'error']);
/** Of a hash, so that a request's shadow and its served answer are told apart. */
const SHADOW = 1;
const NO_SLICES: readonly string[] = [];

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

export interface CollectorOptions extends FeatureOptions {
  /** Only predictions of these flags count. */
  readonly flags: readonly string[];
}

/** All that a collector has counted, to go on from later: aggregates, and hashes of ids. */
export interface SavedCollector {
  readonly groups: SavedGroups;
  readonly units: SavedUnits;
  readonly seen: SavedHashes;
  readonly earlier?: SavedHours | undefined;
  readonly slices: readonly string[];
  readonly columns: readonly string[];
  readonly notes: SourceNotes;
}

/** What a reader knows of a record apart from it, because it read it from bytes: hashes (`hash53`) of ids, 0 where there is none, and the time, NaN where there is none. */
export interface Drawn {
  readonly request: number;
  readonly unit: number;
  readonly time: number;
  /** The id of the request itself, which few records are asked for. */
  readonly requestId: () => string;
}

/** Turns prediction records into windows. What it holds does not grow with the number of records, but for predictions that wait for their outcome. */
export class Collector {
  readonly #definition: QualityDefinition;
  readonly #values: readonly ((record: RecordLike) => number | null)[];
  readonly #labelled: readonly number[];
  readonly #immediate: readonly number[];
  readonly #keepsFeatures: boolean;
  readonly #groups: Groups;
  readonly #batch: Batch;
  readonly #times = new RecordTimes();
  readonly #units: Units;
  readonly #seen: RecentHashes;
  readonly #outcomes: Outcomes;
  readonly #shadow: ShadowCollector;
  /** Where drift is measured against hours of an earlier week. */
  readonly #earlier: EarlierHours | undefined;
  readonly #slices: Set<string>;
  readonly #outcomeFields: readonly string[];
  readonly #notes: { -readonly [K in keyof SourceNotes]: SourceNotes[K] };
  readonly #flags: ReadonlySet<string>;
  /** Time as the reader has it: what a record is compared with to find clocks that are wrong. */
  #now = Number.POSITIVE_INFINITY;

  constructor(definition: QualityDefinition, options: CollectorOptions, saved?: SavedCollector) {
    this.#definition = definition;
    this.#flags = new Set(options.flags);
    const { metrics, labels, drift: { reference } } = definition;
    this.#earlier = reference?.kind === 'earlier' ? new EarlierHours(reference, options, saved?.earlier) : undefined;
    this.#values = metrics.map((metric) => valueOf(metric, labels));
    this.#labelled = metrics.flatMap(({ labelled }, index) => (labelled ? [index] : []));
    this.#immediate = metrics.flatMap(({ labelled }, index) => (labelled ? [] : [index]));
    this.#keepsFeatures = this.#labelled.some((metric) => metrics[metric]?.expression?.paths.some(([first]) => first === 'features') === true);
    const read = metrics.flatMap(({ expression }) => (expression !== undefined && readsOutcome(expression) ? expression.paths.map(([first = '']) => first) : []));
    this.#outcomeFields = [...new Set([labels.field, ...read])].filter((field) => !RECORD_FIELDS.has(field));
    this.#groups = new Groups(definition, options, saved?.groups);
    this.#batch = new Batch(metrics.length, labels.field, options.features, saved?.columns);
    this.#units = new Units(metrics.length, undefined, saved?.units);
    this.#seen = new RecentHashes(undefined, saved?.seen);
    this.#slices = new Set(saved?.slices);
    this.#notes = { ...NO_NOTES, ...saved?.notes };
    this.#shadow = new ShadowCollector(labels, saved !== undefined);
    this.#outcomes = new Outcomes(definition, (waiting, outcome, isNew) => this.#settled(waiting, outcome, isNew), ({ armCollector }) => void (armCollector.matured += 1));
  }

  /** What was counted until now; undefined where more would be needed to go on from: records that wait for their outcome, or answers for their partner. */
  get saved(): SavedCollector | undefined {
    this.#flush();
    if (this.#labelled.length > 0 || this.#shadow.hasShadow) return undefined;
    return {
      groups: this.#groups.saved, units: this.#units.saved, seen: this.#seen.saved, earlier: this.#earlier?.saved, slices: [...this.#slices], columns: this.#batch.columnNames, notes: this.#notes,
    };
  }

  /** Whether something came that needs what was not saved: all is to be read anew. */
  get isIncomplete(): boolean {
    this.#flush();
    return this.#shadow.isIncomplete;
  }

  /** How many records it was told, malformed ones too. */
  get told(): number {
    return this.#notes.rows + this.#notes.malformed;
  }

  /** Records from after it are told. */
  set now(value: number) {
    this.#flush();
    this.#now = value;
  }

  malformed(place: string, reason: string): void {
    this.#notes.malformed += 1;
    if (this.#notes.examples.length < MOST_EXAMPLES) this.#notes.examples = [...this.#notes.examples, `${place}: ${reason}`];
  }

  /**
   * A record: a prediction, or, where it has a request id but no arm, an outcome. It may be changed after the call, but for the names in its features: what is kept of it is copied. Where
   * something of it was drawn from bytes, it need not stand in the record. Never throws.
   */
  add(record: RecordLike, place: () => string, drawn?: Drawn): void {
    this.#notes.rows += 1;
    const arm = text(record['assigned_arm']);
    const request = drawn === undefined ? hashOf(record['request_id']) : drawn.request;
    const flag = text(record['flag']);
    if (arm === undefined) {
      if (request !== 0 && this.#outcomeFields.some((field) => record[field] !== undefined)) this.#outcome(request, record);
      else if (flag === undefined || this.#flags.has(flag)) this.malformed(place(), request === 0 ? 'neither assigned_arm nor request_id' : 'no assigned_arm, and none of the outcome\'s fields');
      return;
    }
    if (flag !== undefined && !this.#flags.has(flag)) return;
    const at = drawn === undefined ? this.#times.of(record['ts']) : drawn.time;
    if (!Number.isFinite(at)) {
      this.malformed(place(), 'ts is missing or no time');
      return;
    }
    if (record['role'] === 'shadow') this.#shadowed(record, request, at, drawn);
    else this.#stage(record, arm, request, at, drawn);
  }

  #shadowed(record: RecordLike, request: number, at: number, drawn: Drawn | undefined): void {
    this.#flush();
    if (request !== 0 && this.#seen.seen(rehash(request, SHADOW))) {
      this.#notes.duplicates += 1;
      return;
    }
    if (at > this.#now + SKEW_MS) this.#notes.future += 1;
    if (request === 0) return;
    const requestId = drawn?.requestId() ?? text(record['request_id']) ?? '';
    this.#shadow.addShadow(request, requestId, { score: scoreOf(record), label: record['label'], error: record['error'], outcome: record[this.#definition.labels.field], slices: this.#sliceNames(record) });
  }

  #sliceNames(record: RecordLike): readonly string[] {
    if (this.#definition.slices.length === 0) return NO_SLICES;
    return this.#definition.slices.flatMap((slice) => {
      const value = slice.evaluate(record);
      if (value === null) return [];
      const name = `${slice.text.replace(/^features\./, '')} = ${String(value).slice(0, 60)}`;
      if (this.#slices.has(name)) return [name];
      if (this.#slices.size >= MOST_SLICES) return [];
      this.#slices.add(name);
      return [name];
    });
  }

  /** Puts a prediction to those that are counted next. */
  #stage(record: RecordLike, arm: string, request: number, at: number, drawn: Drawn | undefined): void {
    const batch = this.#batch;
    if (batch.size === batch.most) this.#flush();
    const row = batch.take(record);
    const group = this.#groups.of(text(record['environment']) ?? '', text(record['service']) ?? '', arm);
    batch.groups[row] = group;
    batch.requests[row] = request;
    batch.times[row] = at;
    const unit = drawn === undefined ? hashOf(record['batch_id']) || hashOf(record['unit_id']) : drawn.unit;
    batch.units[row] = rehash(unit || request || hash53(String(this.#notes.rows)), group.unitSeed);
    batch.flags[row] = (unit === 0 ? WITHOUT_UNIT : 0) | (this.#definition.where !== undefined && this.#definition.where.evaluate(record) !== true ? EXCLUDED : 0);
    for (const metric of this.#immediate) {
      const values = batch.values[metric];
      if (values !== undefined) values[row] = this.#values[metric]?.(record) ?? Number.NaN;
    }
    const slices = this.#sliceNames(record);
    const isWaiting = this.#labelled.length > 0 && request !== 0;
    if (isWaiting || slices.length > 0) batch.extras[row] = { slices, kept: isWaiting ? this.#kept(record) : undefined, outcome: isWaiting ? this.#ownOutcome(record) : undefined };
  }

  /** What the outcome of a prediction will need of it. */
  #kept({ score, proba, label, latency_ms, error, fallback, features }: RecordLike): RecordLike {
    return { score, proba, label, latency_ms, error, fallback, ...(this.#keepsFeatures ? { features: { ...(features as object) } } : {}) };
  }

  #outcomeOf(record: RecordLike): RecordLike {
    return Object.fromEntries(this.#outcomeFields.map((field) => [field, record[field]]));
  }

  #ownOutcome(record: RecordLike): RecordLike | undefined {
    return this.#outcomeFields.some((field) => record[field] !== undefined && record[field] !== null) ? this.#outcomeOf(record) : undefined;
  }

  #outcome(request: number, record: RecordLike): void {
    this.#flush();
    this.#shadow.addOutcome(request, record[this.#definition.labels.field]);
    if (this.#labelled.length > 0) this.#outcomes.add(request, this.#outcomeOf(record));
  }

  #settled({ record, group, slices, unitHash, at }: Waiting, outcome: RecordLike | undefined, isNew: boolean): void {
    const { labels } = this.#definition;
    const fields = outcome ?? Object.fromEntries(this.#outcomeFields.map((field) => [field, labels.absentMeans]));
    const whole = { ...record, ...fields };
    if (isNew) group.armCollector.matured += 1;
    if (outcome !== undefined || labels.absentMeans !== undefined) group.armCollector.addOutcome(whole, labels.field);
    const unit = this.#units.see(unitHash, group.number);
    const windows = [undefined, ...slices].map((slice) => this.#groups.window(group, at, slice));
    for (const metric of this.#labelled) {
      const value = this.#values[metric]?.(whole) ?? null;
      if (value === null) continue;
      for (const { sums } of windows) addTo(sums, metric, value);
      this.#units.add(unit, metric, value);
    }
  }

  /** Counts the predictions of the batch, in their order. */
  #flush(): void {
    const { size, requests, times, flags, groups } = this.#batch;
    // Never negative; were it not asked for, nothing would be brought from memory.
    if (this.#touch() < 0) return;
    for (let row = 0; row < size; row += 1) {
      const [request = 0, at = 0, group] = [requests[row], times[row], groups[row]];
      if (group === undefined) continue;
      if (request !== 0 && this.#seen.seen(request)) {
        this.#notes.duplicates += 1;
        continue;
      }
      if (at > this.#now + SKEW_MS) this.#notes.future += 1;
      if (request !== 0 && group.arm === 'current') this.#served(row, request);
      const window = this.#groups.window(group, at, undefined);
      window.served += 1;
      if (((flags[row] ?? 0) & EXCLUDED) === 0) this.#predicted(row, group, window);
      // The exposure counters count those, too.
      else this.#notes.excluded += 1;
    }
    this.#batch.size = 0;
  }

  #touch(): number {
    const { size, requests, units } = this.#batch;
    let sum = 0;
    for (let row = 0; row < size; row += 1) sum += this.#seen.touch(requests[row] ?? 0) + this.#units.touch(units[row] ?? 0);
    return sum;
  }

  #served(row: number, request: number): void {
    const { scores, labels, errors, outcomes, extras } = this.#batch;
    const score = scores[row] ?? Number.NaN;
    this.#shadow.addServed(request, { score: Number.isNaN(score) ? null : score, label: labels[row], error: errors[row], outcome: outcomes[row], slices: extras[row]?.slices ?? NO_SLICES });
  }

  #predicted(row: number, group: Group, window: WindowState): void {
    const { requests, units, times, flags, latencies, scores, labels, versions, columns, extras, values } = this.#batch;
    const [unitHash = 0, at = 0, extra] = [units[row], times[row], extras[row]];
    if (((flags[row] ?? 0) & WITHOUT_UNIT) !== 0) this.#notes.withoutUnit += 1;
    const unit = this.#units.see(unitHash, group.number);
    const { isNew } = this.#units;
    window.requests += 1;
    window.units += isNew;
    const { armCollector } = group;
    armCollector.units += isNew;
    const hour = this.#earlier?.of(group.environment, group.arm, Math.min(at, this.#now));
    hour?.units.add(unitHash);
    hour?.collector.count(at, undefined, Number.NaN, scores[row] ?? Number.NaN, labels[row]);
    armCollector.count(Math.min(at, this.#now), versions[row], latencies[row] ?? Number.NaN, scores[row] ?? Number.NaN, labels[row]);
    for (let column = 0; column < columns.length; column += 1) {
      const each = columns[column];
      if (each === undefined) continue;
      const [number = Number.NaN, other] = [each.numbers[row], each.others[row]];
      if (other === undefined && Number.isNaN(number)) continue;
      armCollector.countFeature(column + 1, each.name, number, other);
      hour?.collector.countFeature(column + 1, each.name, number, other);
    }
    for (const metric of this.#immediate) {
      const value = values[metric]?.[row] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      addTo(window.sums, metric, value);
      this.#units.add(unit, metric, value);
    }
    if (extra === undefined) return;
    for (const slice of extra.slices) this.#sliced(row, this.#groups.window(group, at, slice));
    if (extra.kept !== undefined) this.#outcomes.wait(requests[row] ?? 0, extra.outcome, { record: extra.kept, group, slices: extra.slices, unitHash, at });
  }

  #sliced(row: number, window: WindowState): void {
    window.requests += 1;
    window.served += 1;
    for (const metric of this.#immediate) {
      const value = this.#batch.values[metric]?.[row] ?? Number.NaN;
      if (!Number.isNaN(value)) addTo(window.sums, metric, value);
    }
  }

  /** All until now; with the sentences of the source. */
  data(now: number, messages: readonly string[]): QualityData {
    this.#flush();
    this.#outcomes.settle(now);
    const earlier = this.#earlier?.found(now);
    return {
      windows: this.#groups.snapshots().sort((a, b) => a.start - b.start),
      arms: this.#groups.summaries(this.#units),
      ...(earlier === undefined ? {} : { references: earlier.references }),
      ...(this.#shadow.pairs === undefined ? {} : { shadow: this.#shadow.pairs }),
      notes: {
        ...this.#notes,
        unitsInBothArms: this.#units.inBothArms,
        outcomesWithoutPrediction: this.#outcomes.withoutPrediction,
        notFinite: this.#groups.all.reduce((sum, { armCollector }) => sum + armCollector.notFinite, 0),
        messages: [...messages, ...earlier?.messages ?? []],
      },
    };
  }
}

/** The `hash53` of an id as records have it, 0 where there is none. */
export function hashOf(value: unknown): number {
  const id = text(value);
  return id === undefined ? 0 : hash53(id);
}

function addTo(sums: Float64Array, metric: number, value: number): void {
  const place = 3 * metric;
  sums[place] = (sums[place] ?? 0) + 1;
  sums[place + 1] = (sums[place + 1] ?? 0) + value;
  sums[place + 2] = (sums[place + 2] ?? 0) + value * value;
}

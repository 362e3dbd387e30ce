import { type RecordLike } from '../expressions/evaluate.ts';
import { ArmCollector, type FeatureOptions } from './armCollector.ts';
import type { QualityDefinition } from './definitions.ts';
import { EarlierHours } from './earlierHours.ts';
import { readsOutcome } from './definitions.ts';
import { hash53, RecentHashes, RecentMap } from './hashing.ts';
import { valueOf } from './measures.ts';
import { RecordTimes } from './recordTimes.ts';
import { ShadowCollector } from './shadowCollector.ts';
import type { UnitSums } from './stats/dispersion.ts';
import { Units } from './units.ts';
import { NO_NOTES, type ArmSummary, type QualityData, type QualityWindow, type SourceNotes } from './window.ts';

const MOST_EXAMPLES = 5;
const MOST_SLICES = 50;
/** Predictions that wait for their outcome (this many at least, and twice as many at most), and outcomes for their prediction. */
const MOST_WAITING = 500_000;
/** A record from further in the future says that a clock is wrong. */
const SKEW_MS = 60_000;
const RECORD_FIELDS: ReadonlySet<string> = new Set(['ts', 'request_id', 'unit_id', 'environment', 'service', 'app_version', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features', 'score', 'proba', 'label', 'latency_ms', 'error']);

/** Seeds of hashes, so that a request's shadow and its served answer are told apart. */
const [SERVED, SHADOW] = [0, 1];
const NO_SLICES: readonly string[] = [];

interface WindowState {
  readonly start: number;
  readonly slice: string | undefined;
  requests: number;
  /** With those that `where` leaves out. */
  served: number;
  units: number;
  /** n, sum, squares per metric. */
  readonly sums: Float64Array;
}

/** An arm of a service in an environment. */
interface Group {
  readonly number: number;
  readonly arm: string;
  readonly environment: string;
  readonly service: string;
  readonly armCollector: ArmCollector;
  /** A unit is followed within its environment. */
  readonly unitSeed: number;
  readonly windows: Map<string, WindowState>;
  last: WindowState | undefined;
  /** `last` alone, as a list. */
  lastAlone: readonly WindowState[];
}

/** A prediction whose outcome is not known or not final. */
interface Waiting {
  readonly record: RecordLike;
  readonly group: Group;
  readonly windows: readonly WindowState[];
  readonly unitHash: number;
  readonly at: number;
  matured: boolean;
  outcome: RecordLike | undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

export interface CollectorOptions extends FeatureOptions {
  /** Only predictions of these flags count. */
  readonly flags: readonly string[];
}

/** Turns prediction records into windows. What it holds does not grow with the number of records, but for predictions that wait for their outcome. */
export class Collector {
  readonly #definition: QualityDefinition;
  readonly #options: CollectorOptions;
  readonly #values: readonly ((record: RecordLike) => number | null)[];
  readonly #labelled: readonly number[];
  readonly #immediate: readonly number[];
  readonly #groups: Group[] = [];
  readonly #times = new RecordTimes();
  readonly #seeds = new Map<string, number>();
  readonly #units: Units;
  readonly #seen = new RecentHashes();
  readonly #waiting = new RecentMap<Waiting>(MOST_WAITING);
  readonly #due = new Map<number, string[]>();
  readonly #outcomes = new Map<string, RecordLike>();
  readonly #shadow: ShadowCollector;
  /** Where drift is measured against hours of an earlier week. */
  readonly #earlier: EarlierHours | undefined;
  readonly #slices = new Set<string>();
  readonly #outcomeFields: readonly string[];
  readonly #notes: { -readonly [K in keyof SourceNotes]: SourceNotes[K] } = { ...NO_NOTES };
  readonly #flags: ReadonlySet<string>;
  /** The time of the newest record: what a record is compared with to find clocks that are wrong. */
  #now = Number.POSITIVE_INFINITY;

  constructor(definition: QualityDefinition, options: CollectorOptions) {
    this.#definition = definition;
    this.#options = options;
    this.#flags = new Set(options.flags);
    const { metrics, labels, drift: { reference } } = definition;
    this.#earlier = reference?.kind === 'earlier' ? new EarlierHours(reference, options) : undefined;
    this.#values = metrics.map((metric) => valueOf(metric, labels));
    this.#labelled = metrics.flatMap(({ labelled }, index) => (labelled ? [index] : []));
    this.#immediate = metrics.flatMap(({ labelled }, index) => (labelled ? [] : [index]));
    const read = metrics.flatMap(({ expression }) => (expression !== undefined && readsOutcome(expression) ? expression.paths.map(([first = '']) => first) : []));
    this.#outcomeFields = [...new Set([labels.field, ...read])].filter((field) => !RECORD_FIELDS.has(field));
    this.#units = new Units(metrics.length);
    this.#shadow = new ShadowCollector(labels);
  }

  /** Time as the reader has it; records from after it are told. */
  set now(value: number) {
    this.#now = value;
  }

  malformed(place: string, reason: string): void {
    this.#notes.malformed += 1;
    if (this.#notes.examples.length < MOST_EXAMPLES) this.#notes.examples = [...this.#notes.examples, `${place}: ${reason}`];
  }

  /** A record: a prediction, or, where it has a request id but no arm, an outcome. It may be changed after the call: what is kept of it is copied. Never throws. */
  add(record: RecordLike, place: () => string): void {
    this.#notes.rows += 1;
    const requestId = text(record['request_id']);
    const arm = text(record['assigned_arm']);
    if (arm === undefined) {
      if (requestId !== undefined && this.#outcomeFields.some((field) => record[field] !== undefined)) this.#outcome(requestId, record);
      else if (text(record['flag']) === undefined || this.#flags.has(text(record['flag']) ?? '')) this.malformed(place(), requestId === undefined ? 'neither assigned_arm nor request_id' : 'no assigned_arm, and none of the outcome\'s fields');
      return;
    }
    const flag = text(record['flag']);
    if (flag !== undefined && !this.#flags.has(flag)) return;
    const at = this.#times.of(record['ts']);
    if (!Number.isFinite(at)) {
      this.malformed(place(), 'ts is missing or no time');
      return;
    }
    const isShadow = record['role'] === 'shadow';
    const hash = requestId === undefined ? 0 : hash53(requestId, SERVED);
    if (requestId !== undefined && this.#seen.seen(isShadow ? hash53(requestId, SHADOW) : hash)) {
      this.#notes.duplicates += 1;
      return;
    }
    if (at > this.#now + SKEW_MS) this.#notes.future += 1;
    const slices = this.#sliceNames(record);
    if (requestId !== undefined && (isShadow || arm === 'current')) this.#shadow.add(record, requestId, hash, slices);
    if (isShadow) return;
    if (this.#definition.where !== undefined && this.#definition.where.evaluate(record) !== true) {
      this.#notes.excluded += 1;
      // The exposure counters count them, too.
      this.#window(this.#group(text(record['environment']) ?? '', text(record['service']) ?? '', arm), at, undefined).served += 1;
      return;
    }
    this.#predicted(record, arm, at, requestId, slices);
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

  #predicted(record: RecordLike, arm: string, at: number, requestId: string | undefined, slices: readonly string[]): void {
    const group = this.#group(text(record['environment']) ?? '', text(record['service']) ?? '', arm);
    const unit = text(record['batch_id']) ?? text(record['unit_id']);
    if (unit === undefined) this.#notes.withoutUnit += 1;
    const unitHash = hash53(unit ?? requestId ?? String(this.#notes.rows), group.unitSeed);
    const number = this.#units.see(unitHash, group.number);
    const { isNew } = this.#units;
    const whole = this.#window(group, at, undefined);
    const windows = slices.length === 0 ? group.lastAlone : [whole, ...slices.map((slice) => this.#window(group, at, slice))];
    for (const window of windows) {
      window.requests += 1;
      window.served += 1;
    }
    whole.units += isNew;
    group.armCollector.units += isNew;
    group.armCollector.add(record, Math.min(at, this.#now));
    this.#earlier?.add(record, group.environment, arm, Math.min(at, this.#now), unitHash);
    this.#count(record, this.#immediate, windows, number);
    if (this.#labelled.length > 0 && requestId !== undefined) this.#wait(record, requestId, { group, windows, unitHash, at });
  }

  #count(record: RecordLike, metrics: readonly number[], windows: readonly WindowState[], unit: number): void {
    for (const metric of metrics) {
      const value = this.#values[metric]?.(record) ?? null;
      if (value === null) continue;
      const place = 3 * metric;
      for (const { sums } of windows) {
        sums[place] = (sums[place] ?? 0) + 1;
        sums[place + 1] = (sums[place + 1] ?? 0) + value;
        sums[place + 2] = (sums[place + 2] ?? 0) + value * value;
      }
      this.#units.add(unit, metric, value);
    }
  }

  #group(environment: string, service: string, arm: string): Group {
    for (const known of this.#groups) if (known.arm === arm && known.service === service && known.environment === environment) return known;
    const unitSeed = this.#seeds.get(environment) ?? this.#seeds.size + 1;
    this.#seeds.set(environment, unitSeed);
    const group: Group = { number: this.#groups.length, arm, environment, service, unitSeed, armCollector: new ArmCollector(this.#options), windows: new Map(), last: undefined, lastAlone: [] };
    this.#groups.push(group);
    return group;
  }

  #window(group: Group, at: number, slice: string | undefined): WindowState {
    const start = Math.floor(at / this.#definition.windowMs) * this.#definition.windowMs;
    if (slice === undefined && group.last?.start === start) return group.last;
    const key = slice === undefined ? String(start) : `${start} ${slice}`;
    let window = group.windows.get(key);
    if (window === undefined) {
      window = { start, slice, requests: 0, served: 0, units: 0, sums: new Float64Array(3 * this.#values.length) };
      group.windows.set(key, window);
    }
    if (slice === undefined) {
      group.last = window;
      group.lastAlone = [window];
    }
    return window;
  }

  /** Keeps of a prediction what its outcome will need. */
  #wait(record: RecordLike, requestId: string, rest: Pick<Waiting, 'group' | 'windows' | 'unitHash' | 'at'>): void {
    const { score, proba, label, latency_ms, error, fallback, features } = record;
    const readsFeatures = this.#labelled.some((metric) => this.#definition.metrics[metric]?.expression?.paths.some(([first]) => first === 'features') === true);
    const kept: RecordLike = { score, proba, label, latency_ms, error, fallback, ...(readsFeatures ? { features: { ...(features as object) } } : {}) };
    const own = this.#outcomeFields.some((field) => record[field] !== undefined && record[field] !== null) ? { ...record } : undefined;
    const outcome = own ?? this.#outcomes.get(requestId);
    if (own === undefined) this.#outcomes.delete(requestId);
    this.#waiting.set(requestId, { ...rest, record: kept, matured: false, outcome });
    const due = Math.floor(rest.at / this.#definition.windowMs);
    const list = this.#due.get(due);
    if (list === undefined) this.#due.set(due, [requestId]);
    else list.push(requestId);
  }

  #outcome(requestId: string, record: RecordLike): void {
    this.#shadow.addOutcome(requestId, record[this.#definition.labels.field]);
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) {
      if (this.#labelled.length > 0 && this.#outcomes.size < MOST_WAITING) this.#outcomes.set(requestId, { ...record });
      return;
    }
    waiting.outcome = { ...record };
    if (waiting.matured) this.#settleOne(requestId, waiting);
  }

  #settleOne(requestId: string, { record, group, windows, unitHash, outcome, matured }: Waiting): void {
    const { labels } = this.#definition;
    const fields = Object.fromEntries(this.#outcomeFields.map((field) => [field, outcome === undefined ? labels.absentMeans : outcome[field]]));
    const whole = { ...record, ...fields };
    this.#waiting.delete(requestId);
    if (!matured) group.armCollector.matured += 1;
    if (outcome !== undefined || labels.absentMeans !== undefined) group.armCollector.addOutcome(whole, labels.field);
    this.#count(whole, this.#labelled, windows, this.#units.see(unitHash, group.number));
  }

  /** Counts the predictions that have matured by now: earlier, only quick outcomes would be known, and they differ from slow ones. */
  #settle(now: number): void {
    const { matureAfterMs, absentMeans } = this.#definition.labels;
    for (const [window, ids] of this.#due) {
      if ((window + 1) * this.#definition.windowMs + matureAfterMs > now) continue;
      this.#due.delete(window);
      for (const id of ids) {
        const waiting = this.#waiting.get(id);
        if (waiting === undefined) continue;
        if (waiting.outcome !== undefined || absentMeans !== undefined) {
          this.#settleOne(id, waiting);
        } else {
          waiting.matured = true;
          waiting.group.armCollector.matured += 1;
        }
      }
    }
  }

  /** All until now; with the sentences of the source. */
  data(now: number, messages: readonly string[]): QualityData {
    this.#settle(now);
    const windows = [...this.#groups].flatMap((group) => [...group.windows.values()].map((state) => this.#snapshot(group, state)));
    const earlier = this.#earlier?.found(now);
    return {
      windows: windows.sort((a, b) => a.start - b.start),
      arms: [...this.#groups].filter(({ armCollector }) => armCollector.requests > 0).map((group) => this.#summary(group)),
      ...(earlier === undefined ? {} : { references: earlier.references }),
      ...(this.#shadow.pairs === undefined ? {} : { shadow: this.#shadow.pairs }),
      notes: {
        ...this.#notes,
        unitsInBothArms: this.#units.inBothArms,
        outcomesWithoutPrediction: this.#outcomes.size,
        notFinite: [...this.#groups].reduce((sum, { armCollector }) => sum + armCollector.notFinite, 0),
        messages: [...messages, ...earlier?.messages ?? []],
      },
    };
  }

  #snapshot({ arm, environment, service }: Group, { start, slice, requests, served, units, sums }: WindowState): QualityWindow {
    const metrics = Object.fromEntries(this.#definition.metrics.map(({ name }, metric) => [name, { n: sums[3 * metric] ?? 0, sum: sums[3 * metric + 1] ?? 0, squares: sums[3 * metric + 2] ?? 0 }]));
    return { arm, environment, service, start, end: start + this.#definition.windowMs, requests, units, metrics, ...(served === requests ? {} : { served }), ...(slice === undefined ? {} : { slice }) };
  }

  #summary({ number, arm, environment, windows, armCollector }: Group): ArmSummary {
    const perMetric = this.#units.sums(new Set([number]));
    const unitSums: Record<string, UnitSums> = {};
    for (const [metric, { name, kind }] of this.#definition.metrics.entries()) {
      const sums = perMetric[metric];
      if (sums === undefined || sums.requests === 0) continue;
      let [n, sum, squares] = [0, 0, 0];
      for (const state of windows.values()) {
        if (state.slice !== undefined) continue;
        n += state.sums[3 * metric] ?? 0;
        sum += state.sums[3 * metric + 1] ?? 0;
        squares += state.sums[3 * metric + 2] ?? 0;
      }
      unitSums[name] = kind === 'bad' || n === 0 ? sums : { ...sums, variance: Math.max(0, squares / n - (sum / n) ** 2) };
    }
    const { requests, units, lastSeen, matured, labelled } = armCollector;
    return { arm, environment, requests, units, lastSeen, unitSums, matured, labelled, ...armCollector.summary() };
  }
}

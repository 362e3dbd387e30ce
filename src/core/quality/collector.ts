import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { versionName } from './armCollector.ts';
import { codedAt, EXCLUDED, NOT_FINITE_LATENCY, NOT_FINITE_OUTCOME, NOT_FINITE_SCORE, ROWS, seedOf, WITHOUT_UNIT, type BatchRows, type CodedColumn, type RowList } from './batch.ts';
import type { QualityDefinition } from './definitions.ts';
import type { FeatureOptions } from './featureCollector.ts';
import { Groups, type Group, type SavedGroups, type WindowState } from './groups.ts';
import { hash53, RecentHashes, rehash, type SavedHashes } from './hashing.ts';
import { labelSlots } from './labelSlots.ts';
import { scoreOf } from './measures.ts';
import { OutcomeCounter, type SavedOutcomeCounter } from './outcomeCounter.ts';
import { ShadowCollector, type SavedShadow } from './shadowCollector.ts';
import { recordMessages } from './recordMessages.ts';
import { CountedSlices } from './slices.ts';
import { RecentHours, type ArmHours, type Hour, type SavedHours } from './recentHours.ts';
import { countFlag, otherFlagsMessages } from './otherFlags.ts';
import { NO_TIME } from './recordTimes.ts';
import { hashOf, shadowProblem, Stager, textOf, type Drawn } from './stager.ts';
import { addTo } from './sums.ts';
import { unnamedIn } from './unnamed.ts';
import { Units, type SavedUnits } from './units.ts';
import { NO_NOTES, type QualityData, type SourceNotes } from './window.ts';

export const MOST_EXAMPLES = 5;
/** A record from further in the future says that a clock is wrong. */
const SKEW_MS = 60_000;
/** Of a hash, so that a request's shadow and its served answer are told apart. */
const SHADOW = 1;

export interface CollectorOptions extends FeatureOptions {
  /** Only predictions of these flags count. */
  readonly flags: readonly string[];
  /** Which arm an assigned variant stands for; every other name is that of an arm. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
}

/** All that a collector has counted, to go on from later: aggregates, hashes of ids, what metrics need of predictions that wait for their outcome, and answers that wait for their partner. */
export interface SavedCollector {
  readonly groups: SavedGroups;
  readonly units: SavedUnits;
  readonly seen: SavedHashes;
  readonly recent: SavedHours;
  readonly outcomes: SavedOutcomeCounter;
  /** Where a shadow came. */
  readonly shadow?: SavedShadow | undefined;
  readonly refused: readonly (readonly [flag: string, count: number])[];
  readonly slices: readonly string[];
  readonly columns: readonly string[];
  readonly hasError: boolean;
  readonly notes: SourceNotes;
}

/** A record that is no served prediction, or a line that is no record, among those that were staged elsewhere. */
export interface Apart {
  /** How many rows of the batch come before it. */
  readonly row: number;
  /** Undefined: what cannot be read, and why. */
  readonly record: RecordLike | undefined;
  readonly drawn: Drawn | undefined;
  readonly reason: string;
  readonly place: () => string;
}

/** Turns prediction records into windows. What it holds does not grow with the number of records, but for predictions that wait for their outcome. */
export class Collector {
  readonly #definition: QualityDefinition;
  readonly #roles: ReadonlyMap<string, string>;
  readonly #immediate: readonly number[];
  readonly #groups: Groups;
  readonly #stager: Stager;
  readonly #units: Units;
  /** Of the rows that are counted together: whether the request was seen before, the number of the unit, and the window. */
  readonly #knownOf = new Uint8Array(ROWS);
  readonly #unitOf = new Int32Array(ROWS);
  readonly #windowOf: WindowState[] = [];
  /** Of those among them that count, one after another: the row, and of the unit the hash, the arm in all services, the number and for how many new ones it stands. */
  readonly #rowOf = new Uint16Array(ROWS);
  readonly #hashOf = new Float64Array(ROWS);
  readonly #audienceOf = new Int32Array(ROWS);
  readonly #numberOf = new Int32Array(ROWS);
  readonly #newOf = new Float64Array(ROWS);
  /** Of rows of several environments, what tells their requests apart. */
  readonly #idOf = new Float64Array(ROWS);
  readonly #hours: Hour[] = [];
  readonly #seen: RecentHashes;
  readonly #outcomes: OutcomeCounter;
  readonly #shadow: ShadowCollector;
  /** What drift is measured of. */
  readonly #recent: RecentHours;
  /** By the number of a group. */
  readonly #hoursOf: ArmHours[] = [];
  readonly #slices: CountedSlices;
  readonly #flags: readonly string[];
  /** Predictions of other flags. */
  readonly #refused: Map<string, number>;
  readonly #notes: { -readonly [K in keyof SourceNotes]: SourceNotes[K] };
  /** Whether any record has the field, be it null. */
  #hasError: boolean;
  /** Time as the reader has it: what a record is compared with to find clocks that are wrong. */
  #now = Number.POSITIVE_INFINITY;

  constructor(definition: QualityDefinition, options: CollectorOptions, saved?: SavedCollector) {
    this.#definition = definition;
    this.#roles = new Map(Object.entries(options.roles ?? {}));
    const { metrics, labels } = definition;
    this.#recent = new RecentHours(definition.drift, options, saved?.recent);
    this.#immediate = metrics.flatMap(({ labelled }, index) => (labelled ? [] : [index]));
    this.#stager = new Stager(definition, options, { columns: saved?.columns });
    const slots = labelSlots(definition, this.#stager.outcomeFields);
    this.#groups = new Groups(definition, slots, saved?.groups);
    this.#units = new Units(metrics.length + slots.length, undefined, saved?.units);
    this.#seen = new RecentHashes(undefined, saved?.seen);
    this.#slices = new CountedSlices(saved?.slices);
    this.#flags = options.flags;
    this.#hasError = saved?.hasError ?? false;
    this.#refused = new Map(saved?.refused);
    this.#notes = { ...NO_NOTES, ...saved?.notes };
    this.#shadow = new ShadowCollector(labels, saved);
    this.#outcomes = new OutcomeCounter(definition, { stager: this.#stager, slots, groups: this.#groups, units: this.#units }, saved?.outcomes);
  }

  /** What was counted until now; undefined where more would be needed to go on from: the features of predictions that wait for their outcome. */
  get saved(): SavedCollector | undefined {
    this.#flush();
    if (this.#stager.isLabelled && this.#stager.keptFields.includes('features')) return undefined;
    return {
      outcomes: this.#outcomes.saved, refused: [...this.#refused], shadow: this.#shadow.saved,
      groups: this.#groups.saved, units: this.#units.saved, seen: this.#seen.saved, recent: this.#recent.saved, slices: this.#slices.saved, columns: this.#stager.batch.columns.map(({ name }) => name), hasError: this.#hasError, notes: this.#notes,
    };
  }

  /** Whether something came that needs what was not saved: all is to be read anew. */
  get isIncomplete(): boolean {
    this.#flush();
    return this.#shadow.isIncomplete;
  }

  /** How many records it was told, malformed ones too. */
  get told(): number {
    return this.#notes.rows + this.#stager.batch.told + this.#notes.malformed;
  }

  /** Records from after it are told. */
  set now(value: number) {
    this.#flush();
    this.#now = value;
    this.#recent.now = value;
  }

  /**
   * When evidence about the release began, in milliseconds since 1970, where that is known: how dependent the requests of a unit are is then counted of what comes from then on. Where something of that has been counted before it was known, it is counted
   * of what is newer than all of it, so that nothing counts twice.
   */
  set since(at: number | undefined) {
    if (at === undefined || at <= this.#units.from) return;
    this.#flush();
    if (this.#groups.areFrom(at)) return;
    const newest = Math.max(...this.#groups.audiences.map(({ collector }) => collector.lastSeen), 0);
    const from = Math.max(at, newest + 1);
    this.#groups.keepDispersions(this.#units);
    for (const { collector } of this.#groups.audiences) [collector.named, collector.nameless] = [0, 0];
    this.#units.beginAnew(from);
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
    if (this.#stager.isFull) this.#flush();
    if (!this.#stager.stage(record, drawn)) this.#apart(record, place, drawn);
  }

  /** Predictions that were staged elsewhere, with what stood among them. */
  addRows(batch: BatchRows, apart: readonly Apart[]): void {
    this.#flush();
    const groups = this.#groupsOf(batch);
    let from = 0;
    for (const { row, record, drawn, reason, place } of apart) {
      this.#count(batch, groups, from, row);
      from = row;
      if (record === undefined) this.malformed(place(), reason);
      else this.#apart(record, place, drawn);
    }
    this.#count(batch, groups, from, batch.size);
    this.#tell(batch);
  }

  /** What is no served prediction: an outcome, a shadow, or nothing that is known. */
  #apart(record: RecordLike, place: () => string, drawn: Drawn | undefined): void {
    const request = drawn === undefined ? hashOf(record['request_id']) : drawn.request;
    if (textOf(record['assigned_arm']) === undefined) {
      // Requests of two models may have one id.
      if (!this.#stager.wants(textOf(record['flag']))) return;
      if (request !== 0 && this.#stager.outcomeFields.some((field) => record[field] !== undefined)) this.#outcome(request, record, place, drawn);
      else this.malformed(place(), request === 0 ? 'neither assigned_arm nor request_id' : `no assigned_arm, and none of the outcome's fields (${this.#stager.outcomeFields.join(', ')})`);
      return;
    }
    const at = this.#stager.timeOf(record, drawn);
    const reason = Number.isFinite(at) ? shadowProblem(record, request) : reasonOf(at);
    if (reason === undefined) this.#shadowed(record, request, at, drawn);
    else this.malformed(place(), reason);
  }

  #shadowed(record: RecordLike, request: number, at: number, drawn: Drawn | undefined): void {
    this.#flush();
    if (this.#seen.seen(rehash(request, SHADOW))) {
      this.#notes.duplicates += 1;
      return;
    }
    if (at > this.#now + SKEW_MS) this.#notes.future += 1;
    this.#shadow.addShadow({
      request, requestId: drawn?.requestId() ?? textOf(record['request_id']) ?? '', environment: textOf(record['environment']) ?? '', version: versionName(record['model_version']) ?? '', at: Math.min(at, this.#now), dropped: Math.max(0, toNumber(record['dropped']) ?? 0),
      score: scoreOf(record) ?? Number.NaN, label: record['label'], error: record['error'], outcome: record[this.#definition.labels.field], slices: this.#slices.of(this.#stager.slicesOf(record)),
    });
  }

  #outcome(request: number, record: RecordLike, place: () => string, drawn: Drawn | undefined): void {
    this.#flush();
    const at = this.#stager.timeOf(record, drawn);
    if (at === NO_TIME) {
      this.malformed(place(), reasonOf(at));
      return;
    }
    if (this.#stager.hasNotFinite(record)) this.#notes.notFinite += 1;
    const outcome = this.#stager.outcomeOf(record);
    if (outcome !== undefined) this.#shadow.addOutcome(request, outcome[this.#definition.labels.field], at);
    this.#outcomes.add(request, outcome, at);
  }

  /** Counts what was staged here. */
  #flush(): void {
    const { batch } = this.#stager;
    this.#count(batch, this.#groupsOf(batch), 0, batch.size);
    this.#tell(batch);
    batch.clear();
  }

  #tell({ told, refused, errors }: BatchRows): void {
    this.#notes.rows += told;
    if (errors.values.length > 1) this.#hasError = true;
    for (const [flag, count] of refused) countFlag(this.#refused, flag, count);
  }

  /** Whose the rows of a batch are, by the keys of it. */
  #groupsOf({ size, keys }: BatchRows): readonly Group[] {
    if (size === 0) return [];
    const groups = keys.map(({ environment, service, arm }) => this.#groups.of(environment, service, this.#roles.get(arm) ?? arm));
    for (const { number, environment, arm } of groups) this.#hoursOf[number] ??= this.#recent.arm(environment, arm);
    return groups;
  }

  /** Counts predictions of a batch, in their order. */
  #count(batch: BatchRows, groups: readonly Group[], from: number, to: number): void {
    for (let start = from; start < to; start += ROWS) this.#countSome(batch, groups, start, Math.min(to, start + ROWS));
  }

  /** Counts `ROWS` at most. What looks things up in large tables, or passes over columns, does so for all rows at one go: one after another would wait for memory each time. */
  #countSome(batch: BatchRows, groups: readonly Group[], from: number, to: number): void {
    const { requests, times, flags, arms } = batch;
    const known = this.#knownOf;
    const own = seedOf(this.#groups.all[0]?.environment ?? '');
    const isMixed = batch.keys.some(({ seed }) => seed !== own);
    if (isMixed) this.#seeApart(batch, own, from, to);
    else this.#seen.seenMany(requests, from, to, known);
    let counted = 0;
    for (let row = from; row < to; row += 1) {
      const request = requests[row] ?? 0;
      const at = times[row] ?? 0;
      const group = groups[arms[row] ?? 0];
      if (group === undefined) continue;
      if (known[row - from] === 1) {
        this.#notes.duplicates += 1;
        continue;
      }
      if (at > this.#now + SKEW_MS) this.#notes.future += 1;
      // Of requests of several environments, the answer of the one that came first in the log is paired with the shadow's.
      if (request !== 0 && group.arm === 'current' && (!isMixed || this.#idOf[row - from] === request || !this.#seen.has(request))) this.#served(batch, row, request, group);
      const window = this.#groups.window(group, at, undefined);
      window.served += 1;
      if (at > group.newest) group.newest = Math.min(at, this.#now);
      // The exposure counters count those, too.
      if (((flags[row] ?? 0) & EXCLUDED) !== 0) {
        this.#notes.excluded += 1;
        this.#outcomes.leaveOut(request);
        continue;
      }
      window.requests += 1;
      this.#rowOf[counted] = row;
      this.#windowOf[row - from] = window;
      this.#hashOf[counted] = this.#unitHash(batch, row);
      this.#audienceOf[counted] = at < this.#units.from ? -1 : group.audience.number;
      counted += 1;
    }
    // One by one where numbers of units may change: what has one is counted before.
    const step = this.#units.isFullWith(counted) ? 1 : counted;
    for (let place = 0; place < counted; place += step) {
      if (step === 1) this.#seeOne(place);
      else this.#units.seeMany(this.#hashOf, this.#audienceOf, counted, this.#numberOf, this.#newOf);
      for (let index = place; index < place + step; index += 1) this.#predicted(batch, groups, from, index);
      this.#countColumns(batch, from);
    }
  }

  /** Mirrored traffic keeps its request ids, so those of another environment are other requests. `own`: the seed of the environment that came first, whose ids are what they are. */
  #seeApart({ requests, arms, keys }: BatchRows, own: number, from: number, to: number): void {
    for (let row = from; row < to; row += 1) {
      const request = requests[row] ?? 0;
      const seed = keys[arms[row] ?? 0]?.seed ?? own;
      this.#idOf[row - from] = request === 0 || seed === own ? request : rehash(request, seed);
    }
    this.#seen.seenMany(this.#idOf, 0, to - from, this.#knownOf);
  }

  #seeOne(place: number): void {
    this.#numberOf[place] = this.#units.see(this.#hashOf[place] ?? 0, this.#audienceOf[place] ?? 0);
    this.#newOf[place] = this.#units.isNew;
  }

  #unitHash({ units, arms, keys }: BatchRows, row: number): number {
    const unit = units[row] ?? 0;
    return unit > 0 ? unit : rehash(hash53(String(this.#notes.rows - unit)), keys[arms[row] ?? 0]?.seed ?? 0);
  }

  #served({ scores, labels, errors, outcomes, slices, times }: BatchRows, row: number, request: number, { environment }: Group): void {
    if (!this.#shadow.follows(request)) return;
    this.#shadow.addServed({ request, environment, score: scores[row] ?? Number.NaN, label: codedAt(labels, row), error: codedAt(errors, row), outcome: codedAt(outcomes, row), slices: this.#slices.of(slicesAt(slices, row)), at: times[row] ?? Number.NaN });
  }

  /** `index`: the place of the row among those that are counted; `from`: the first of the rows. */
  #predicted(batch: BatchRows, groups: readonly Group[], from: number, index: number): void {
    const { requests, times, flags, kept, arms, versions, slices: sliced } = batch;
    const row = this.#rowOf[index] ?? 0;
    const group = groups[arms[row] ?? 0];
    const window = this.#windowOf[row - from];
    if (group === undefined || window === undefined) return;
    const unitHash = this.#hashOf[index] ?? 0;
    const isNew = this.#newOf[index] ?? 0;
    const flagged = flags[row] ?? 0;
    if (flagged !== 0) this.#countFlags(flagged);
    this.#unitOf[row - from] = (times[row] ?? 0) < this.#units.from ? -1 : this.#numberOf[index] ?? -1;
    this.#countNamed(group, flagged, times[row] ?? 0);
    window.units += isNew;
    if (isNew > 0) window.drawn += 1;
    group.audience.collector.units += isNew;
    group.audience.staged.add(row);
    this.#countHour(batch, group, Math.min(times[row] ?? 0, this.#now), codedAt(versions, row), row, unitHash);
    const names = slicesAt(sliced, row);
    const slices = this.#slices.of(names);
    if (names !== undefined && slices.length < names.length) this.#notes.otherSlices += 1;
    for (const slice of slices) this.#sliced(batch, row, this.#groups.window(group, times[row] ?? 0, slice));
    const keep = kept[row];
    if (keep === undefined && this.#stager.isLabelled) group.audience.collector.withoutRequest += 1;
    if (keep !== undefined) this.#outcomes.wait(requests[row] ?? 0, keep.outcome, { record: keep.record, group, slices, unitHash, at: times[row] ?? 0 });
  }

  #countNamed({ audience: { collector } }: Group, flags: number, at: number): void {
    if (at < this.#units.from) return;
    if ((flags & WITHOUT_UNIT) === 0) collector.named += 1;
    else collector.nameless += 1;
  }

  #countFlags(flags: number): void {
    const notes = this.#notes;
    if ((flags & WITHOUT_UNIT) !== 0) notes.withoutUnit += 1;
    for (const flag of [NOT_FINITE_SCORE, NOT_FINITE_LATENCY, NOT_FINITE_OUTCOME]) if ((flags & flag) !== 0) notes.notFinite += 1;
  }

  #countHour({ columns }: BatchRows, { number }: Group, at: number, version: unknown, row: number, unitHash: number): void {
    const hours = this.#hoursOf[number];
    if (hours === undefined) return;
    const hour = this.#recent.of(hours, at, version);
    if (hour === undefined) {
      this.#recent.passOver(hours, columns, row);
      return;
    }
    hour.units.add(unitHash);
    if (hour.staged.size === 0) this.#hours.push(hour);
    hour.staged.add(row);
  }

  /** Counts what can be counted of predictions column by column. `from`: the first of the rows that are counted together. */
  #countColumns(batch: BatchRows, from: number): void {
    for (const { number, collector, staged } of this.#groups.audiences) {
      if (staged.size === 0) continue;
      collector.countRows(batch, staged, this.#now);
      for (const metric of this.#immediate) {
        const values = batch.values[metric];
        if (values === undefined) continue;
        this.#countMetric(metric, values, from, staged);
        this.#units.addRows(number, metric, this.#unitOf, from, values, staged);
      }
      staged.size = 0;
    }
    for (const { collector, staged } of this.#hours) {
      collector.countRows(batch, staged);
      staged.size = 0;
    }
    this.#hours.length = 0;
  }

  #countMetric(metric: number, values: Float64Array, from: number, { rows, size }: RowList): void {
    for (let index = 0; index < size; index += 1) {
      const row = rows[index] ?? 0;
      const value = values[row] ?? Number.NaN;
      const window = this.#windowOf[row - from];
      if (!Number.isNaN(value) && window !== undefined) addTo(window.sums, metric, value);
    }
  }

  #sliced({ values }: BatchRows, row: number, window: WindowState): void {
    window.requests += 1;
    window.served += 1;
    for (const metric of this.#immediate) {
      const value = values[metric]?.[row] ?? Number.NaN;
      if (!Number.isNaN(value)) addTo(window.sums, metric, value);
    }
  }

  /** All until now; with the sentences of the source. */
  data(now: number, messages: readonly string[]): QualityData {
    this.#flush();
    this.#outcomes.settle(now);
    this.#shadow.settle();
    const shadow = this.#shadow.pairs;
    const unnamed = unnamedIn(this.#groups.audiences.map(({ environment, collector: { named, nameless } }) => ({ environment, named, nameless })), this.#definition.source);
    const { windows, arms } = this.#outcomes.classes.without(this.#groups.snapshots().sort((a, b) => a.start - b.start), this.#groups.summaries(this.#units));
    const { messages: found, ...drift } = this.#recent.found(now, arms);
    const features = new Set(this.#stager.batch.columns.map(({ name }) => name));
    return {
      windows,
      arms, ...drift,
      ...(shadow === undefined ? {} : { shadow }), ...(unnamed === undefined ? {} : { unnamed }),
      notes: {
        ...this.#notes,
        unitsInBothArms: this.#units.inBothArms,
        outcomesWithoutPrediction: this.#outcomes.withoutPrediction,
        notFinite: this.#groups.audiences.reduce((sum, { collector }) => sum + collector.notFinite, this.#notes.notFinite),
        messages: [
          ...messages, ...otherFlagsMessages(this.#refused, this.#flags, arms.length > 0), ...found,
          ...recordMessages(this.#definition, { windows, arms, features, slices: this.#slices.saved, hasError: this.#hasError, unnamed }), ...this.#outcomes.messages(arms.length === 0 ? undefined : features),
        ],
      },
    };
  }
}

function slicesAt(slices: CodedColumn, row: number): readonly string[] | undefined {
  return codedAt(slices, row) as readonly string[] | undefined;
}

/** Why a record has no time: see `RecordTimes`. */
function reasonOf(time: number): string {
  return time === NO_TIME ? 'ts is no time of the years 2000 to 2099: write ISO 8601, such as 2026-03-02T10:00:00Z, or a number since 1970 in s, ms, us or ns' : 'ts is missing';
}

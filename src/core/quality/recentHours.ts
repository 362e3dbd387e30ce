import { plainLine } from '../base/words.ts';
import { versionName } from './armCollector.ts';
import { codedAt, RowList, type FeatureColumn } from './batch.ts';
import type { DriftDefinition, DriftReferenceTarget } from './definitions.ts';
import { DistinctCount } from './distinct.ts';
import { FeatureCollector, leftOutWords, sampleName, type FeatureOptions, type SavedFeatures } from './featureCollector.ts';
import { joined, weighted } from './joinedSamples.ts';
import type { ArmSummary, DriftReference, FeatureSample, LoggedVersion, ProductionPart, ProductionWindow } from './window.ts';

const HOUR_MS = 3_600_000;
const WEEK_HOURS = 168;
/** Values of a feature: of all hours of a window together, and of all that are kept. */
const [SAMPLE, MOST_KEPT] = [5000, 24_000];
const [LEAST_OF_AN_HOUR, MOST_OF_AN_HOUR] = [200, 1000];

/** What a version answered in an hour, as an arm. */
export interface Hour {
  /** Hours since 1970. */
  readonly number: number;
  /** Empty where the records name none, and for the versions that are too many to be told apart. */
  readonly version: string;
  readonly collector: FeatureCollector;
  readonly units: DistinctCount;
  /** Predictions of a batch that are still to be counted. */
  readonly staged: RowList;
}

/** The hours of an arm of all services of an environment. */
export interface ArmHours {
  readonly environment: string;
  readonly arm: string;
  /** By number and version. */
  readonly hours: Map<string, Hour>;
  readonly versions: Set<string>;
  /** The hour that came last, the version as its record has it, and when it began: the next prediction mostly is of it, too. */
  last: Hour | undefined;
  /** Names of features that hours told which are no longer kept, or too old to be counted; and how many predictions were too old. */
  readonly had: Set<string>;
  old: number;
  lastVersion: unknown;
  lastFrom: number;
}

/** What is known of hours, to go on from later. */
export interface SavedHours {
  readonly newest: number;
  readonly arms: readonly { readonly environment: string; readonly arm: string; readonly had: readonly string[]; readonly old: number; readonly hours: readonly { readonly number: number; readonly version: string; readonly collected: SavedFeatures; readonly units: Float64Array }[] }[];
}

export interface FoundHours {
  readonly production: ProductionWindow;
  /** Those of an earlier week, where they are what drift is measured against. */
  readonly references?: readonly DriftReference[];
  /** Sentences, where there is nothing to measure, or nothing to measure against. */
  readonly messages: readonly string[];
}

const MOST_VERSIONS = 20;
/** Of how many predictions that are too old one is looked at, and how many names of features are remembered of an arm. */
const [LEARNT_OF, MOST_HAD] = [1000, 2000];
/** A version that has answered nothing for so long, and for so many of its mean distances, while another did, was replaced. */
const [REPLACED_MS, REPLACED_GAPS] = [600_000, 20];

type Earlier = Extract<DriftReferenceTarget, { kind: 'earlier' }>;

/** How many values of a feature are kept of an hour: enough for the window, and for an hour that has most of its traffic, as long as all that is kept stays small. */
function sampleOf(window: number, kept: number): number {
  return Math.min(SAMPLE, Math.max(LEAST_OF_AN_HOUR, Math.min(MOST_OF_AN_HOUR, Math.ceil(SAMPLE / window)), Math.floor(MOST_KEPT / kept)));
}

/** `2026-03-02 10:00`, in UTC. */
function minuteWords(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

/**
 * The inputs of each hour (of UTC) of each arm, as many hours as drift is measured of or against: the last ones, up to now, against a file, training data or the other arm; and where that is asked
 * for, the last ones against the same hours of an earlier week, which makes a daily and a weekly rhythm no drift. What is older is neither counted nor kept.
 */
export class RecentHours {
  readonly #window: number;
  readonly #reference: DriftReferenceTarget | undefined;
  readonly #kept: number;
  readonly #options: FeatureOptions;
  readonly #arms: ArmHours[] = [];
  /** The number of the newest hour: that of now, or where nobody said what is now, of the newest record. */
  #newest: number;
  /** What is older is not counted, in milliseconds since 1970. */
  #from: number;

  constructor({ windowHours, reference }: DriftDefinition, { features, edges, categories }: FeatureOptions, saved?: SavedHours) {
    this.#window = windowHours;
    this.#reference = reference;
    const earlier = reference?.kind === 'earlier' ? reference : undefined;
    this.#kept = Math.max(windowHours, earlier === undefined ? 0 : earlier.weeks * WEEK_HOURS + earlier.hours);
    this.#options = { features, edges, categories, sample: sampleOf(Math.min(windowHours, earlier?.hours ?? windowHours), this.#kept) };
    this.#newest = saved?.newest ?? 0;
    this.#from = this.#oldest * HOUR_MS;
    for (const { environment, arm, had, old, hours } of saved?.arms ?? []) {
      const known = this.arm(environment, arm);
      for (const name of had) known.had.add(name);
      known.old = old;
      for (const { number, version, collected, units } of hours) {
        known.versions.add(version);
        known.hours.set(keyOf(number, version), { number, version, collector: new FeatureCollector(this.#options, collected), units: new DistinctCount(units), staged: new RowList() });
      }
    }
  }

  get saved(): SavedHours {
    return {
      newest: this.#newest,
      arms: this.#arms.map(({ environment, arm, had, old, hours }) => ({ environment, arm, had: [...had], old, hours: [...hours.values()].map(({ number, version, collector, units }) => ({ number, version, collected: collector.saved, units: units.saved })) })),
    };
  }

  /** Records up to it are told, in milliseconds since 1970. */
  set now(value: number) {
    if (Number.isFinite(value)) this.#reach(Math.floor(value / HOUR_MS));
  }

  arm(environment: string, arm: string): ArmHours {
    for (const known of this.#arms) if (known.arm === arm && known.environment === environment) return known;
    const added: ArmHours = { environment, arm, hours: new Map(), versions: new Set(), had: new Set(), old: 0, last: undefined, lastVersion: undefined, lastFrom: 0 };
    this.#arms.push(added);
    return added;
  }

  /** Where a served prediction is counted; `at` in milliseconds since 1970, `version` as its record has it. Undefined: it is too old. */
  of(arm: ArmHours, at: number, version: unknown): Hour | undefined {
    if (at < this.#from) return undefined;
    if (arm.last === undefined || version !== arm.lastVersion || at < arm.lastFrom || at >= arm.lastFrom + HOUR_MS) {
      const number = Math.floor(at / HOUR_MS);
      this.#reach(number);
      const name = this.#versionOf(arm, version);
      const key = keyOf(number, name);
      arm.last = arm.hours.get(key) ?? { number, version: name, collector: new FeatureCollector(this.#options), units: new DistinctCount(), staged: new RowList() };
      [arm.lastFrom, arm.lastVersion] = [number * HOUR_MS, version];
      arm.hours.set(key, arm.last);
    }
    return arm.last;
  }

  /** A prediction that is too old to be counted: of some of them it is learnt which features it tells. */
  passOver(arm: ArmHours, columns: readonly FeatureColumn[], row: number): void {
    arm.old += 1;
    if (arm.old % LEARNT_OF !== 1) return;
    for (const { name, numbers, others } of columns) if (!Number.isNaN(numbers[row] ?? Number.NaN) || codedAt(others, row) !== undefined) learn(arm, sampleName(name));
  }

  #versionOf({ versions }: ArmHours, version: unknown): string {
    const name = versionName(version) ?? '';
    if (!versions.has(name) && versions.size >= MOST_VERSIONS) return '';
    versions.add(name);
    return name;
  }

  /** What drift is measured of, and against. `now` in milliseconds since 1970; `arms`: those that are told. */
  found(now: number, arms: readonly Pick<ArmSummary, 'environment' | 'arm' | 'lastSeen' | 'versions'>[]): FoundHours {
    const end = Math.floor(now / HOUR_MS) + 1;
    const answering: Answering = (each) => replaced(arms.filter(({ environment, arm }) => environment === each.environment && arm === each.arm).flatMap(({ versions }) => versions ?? []));
    const production = this.#production(end, this.#window, answering);
    const messages = new Set(this.#leftOut(end - this.#window, answering));
    for (const environment of new Set(arms.map((each) => each.environment))) {
      const own = arms.filter((each) => each.environment === environment);
      const isMeasured = this.#reference !== undefined || ['current', 'candidate'].every((name) => own.some(({ arm }) => arm === name));
      if (isMeasured && !production.parts.some((part) => part.environment === environment)) messages.add(nothingWords(environment, production, Math.max(...own.map(({ lastSeen }) => lastSeen))));
    }
    const leftOut = leftOutWords(new Set(production.parts.flatMap((part) => part.leftOut ?? [])), this.#options.features, 'the log');
    if (leftOut !== undefined) messages.add(leftOut);
    if (this.#reference?.kind !== 'earlier') return { production, messages: [...messages] };
    const { references, missing } = this.#earlier(this.#reference, end, answering);
    return { production, references, messages: [...messages, ...missing] };
  }

  /** A reference for each arm, of those of its hours that have records of both times: current's then, or the candidate's where current did not serve, weighed as the arm has answered in them. */
  #earlier({ weeks, hours }: Earlier, end: number, answering: Answering): { readonly references: readonly DriftReference[]; readonly missing: readonly string[] } {
    const shift = weeks * WEEK_HOURS;
    const then = end - hours - shift;
    const [from, to] = [then, then + hours].map((hour) => minuteWords(hour * HOUR_MS));
    const name = `the same hours ${weeks === 1 ? 'a week' : `${weeks} weeks`} earlier (${from} to ${to} UTC)`;
    const references: DriftReference[] = [];
    const missing: string[] = [];
    for (const environment of new Set(this.#arms.filter((each) => each.hours.size > 0).map((each) => each.environment))) {
      const own = this.#arms.filter((each) => each.environment === environment);
      const where = environment === '' ? '' : ` of ${environment}`;
      const earlier = own.filter((each) => hoursWithin(each, then, then + hours, NONE).length > 0);
      const reference = earlier.find(({ arm }) => arm === 'current') ?? earlier.find(({ arm }) => arm === 'candidate') ?? earlier[0];
      if (reference === undefined) missing.push(`Drift has no reference: the log has no record${where} from ${from} to ${to} UTC.`);
      else for (const arm of own.filter((each) => hoursWithin(each, end - hours, end, answering(each)).length > 0)) {
        const found = alike({ arm, without: answering(arm) }, { arm: reference, without: NONE, shift }, { end, hours });
        if (found === undefined) missing.push(`Drift of ${plainLine(arm.arm, 40)}${where} has no reference: none of the hours in which it answered has a record from ${from} to ${to} UTC.`);
        else references.push({ name, environment, rows: found.other.requests, units: found.other.units, samples: found.other.features, production: { name: `last ${hours} h`, parts: [found.own] } });
      }
    }
    return { references, missing };
  }

  /** The last hours up to but without `end`, of what answers now. */
  #production(end: number, hours: number, answering: Answering): ProductionWindow {
    return { name: `last ${hours} h`, parts: this.#arms.flatMap((each) => merged(each, end - hours, end, answering(each)) ?? []), both: this.#both(end, hours, answering) };
  }

  /**
   * By environment candidate and current in the hours of both, within the last ones. Hours of current weigh as those of the candidate do: else a percentage that was raised by night would make of a daily rhythm a drift. Units are
   * as many as the weights leave of them. Hours that current hardly served would leave next to none, and are left out.
   */
  #both(end: number, hours: number, answering: Answering): NonNullable<ProductionWindow['both']> {
    const candidates = this.#arms.filter(({ arm }) => arm === 'candidate');
    return candidates.flatMap((candidate) => {
      const current = this.#arms.find(({ environment, arm }) => environment === candidate.environment && arm === 'current');
      if (current === undefined) return [];
      const found = alike({ arm: candidate, without: answering(candidate) }, { arm: current, without: answering(current), shift: 0 }, { end, hours });
      return found === undefined ? [] : [{ name: `last ${end - found.from} h`, candidate: found.own, current: found.other }];
    });
  }

  /** What versions that were replaced have answered since an hour is no part of production. */
  #leftOut(from: number, answering: Answering): string[] {
    return this.#arms.flatMap((each) => {
      const gone = answering(each);
      const names = [...new Set([...each.hours.values()].filter(({ number, version }) => number >= from && gone.has(version)).map(({ version }) => plainLine(version, 40)))];
      return names.length === 0 ? [] : [`Drift leaves out what ${names.join(', ')} answered as ${plainLine(each.arm, 40)}${each.environment === '' ? '' : ` of ${plainLine(each.environment, 40)}`}: another version has replaced it.`];
    });
  }

  get #oldest(): number {
    return this.#newest - this.#kept + 1;
  }

  #reach(number: number): void {
    if (number <= this.#newest) return;
    this.#newest = number;
    this.#from = this.#oldest * HOUR_MS;
    for (const arm of this.#arms) {
      if (arm.lastFrom < this.#from) arm.last = undefined;
      for (const [key, { number: old, collector }] of arm.hours) {
        if (old >= this.#oldest) continue;
        for (const { name } of collector.samples.filter(hasValue)) learn(arm, name);
        arm.hours.delete(key);
      }
      const kept = new Set([...arm.hours.values()].map(({ version }) => version));
      for (const version of arm.versions) if (!kept.has(version)) arm.versions.delete(version);
    }
  }
}

function hasValue({ rows, missing }: FeatureSample): boolean {
  return rows > missing;
}

function learn({ had }: ArmHours, name: string): void {
  if (had.size < MOST_HAD) had.add(name);
}

function nothingWords(environment: string, { name }: ProductionWindow, newest: number): string {
  return `Drift: the log has no record${environment === '' ? '' : ` of ${environment}`} of the ${name}; the newest is of ${minuteWords(newest)} UTC.`;
}

/** The versions of an arm that answer no more. */
type Answering = (arm: ArmHours) => ReadonlySet<string>;

const NONE: ReadonlySet<string> = new Set();

function keyOf(number: number, version: string): string {
  return `${number} ${version}`;
}

/** Versions of one arm, of all its services, that answer no more while another does. */
export function replaced(versions: readonly LoggedVersion[]): ReadonlySet<string> {
  const newest = Math.max(0, ...versions.map(({ last }) => last));
  const names = new Set(versions.map(({ version }) => version));
  return new Set([...names].filter((name) => versions.filter(({ version }) => version === name).every(({ first, last, requests }) => newest - last > Math.max(REPLACED_MS, (REPLACED_GAPS * (last - first)) / Math.max(1, requests)))));
}

function hoursWithin({ hours }: ArmHours, from: number, end: number, without: ReadonlySet<string>): readonly Hour[] {
  return [...hours.values()].filter(({ number, version }) => number >= from && number < end && !without.has(version));
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

interface CommonHour {
  readonly number: number;
  /** Predictions of the candidate, and of current. */
  readonly own: number;
  readonly others: number;
}

/**
 * Those hours that, weighted, tell the two arms apart best: where the variance of a difference between them, 1 / sum(own) + sum(own^2 / others) / sum(own)^2 times that of one prediction, is least. These are the hours with the
 * largest share of current, up to some share, for each hour adds own to the one sum and own^2 / others to the other.
 */
function tellingMost(hours: readonly CommonHour[]): readonly CommonHour[] {
  const sorted = hours.toSorted((a, b) => a.own / a.others - b.own / b.others || a.number - b.number);
  let [best, most, total, squares] = [0, 0, 0, 0];
  for (const [index, { own, others }] of sorted.entries()) {
    total += own;
    squares += own ** 2 / others;
    const told = total ** 2 / (total + squares);
    if (told >= most) [best, most] = [index + 1, told];
  }
  return sorted.slice(0, best);
}

/** Predictions by the number of the hour, of all versions. */
function requestsByHour(hours: readonly Hour[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const { number, collector } of hours) if (collector.requests > 0) found.set(number, (found.get(number) ?? 0) + collector.requests);
  return found;
}

/** An arm, and its versions that are left out. */
interface Side {
  readonly arm: ArmHours;
  readonly without: ReadonlySet<string>;
}

/**
 * What an arm has answered in the last hours, and another one, or the same so many hours (`shift`) earlier, in the same ones: each hour of the other weighs as that of the arm does, and hours that the other hardly served are left out. `from`: the first
 * hour of the arm. Undefined where no hour has records of both.
 */
function alike(own: Side, other: Side & { readonly shift: number }, { end, hours }: { readonly end: number; readonly hours: number }): { readonly own: ProductionPart; readonly other: ProductionPart; readonly from: number } | undefined {
  const { shift } = other;
  const [mine, its] = [requestsByHour(hoursWithin(own.arm, end - hours, end, own.without)), requestsByHour(hoursWithin(other.arm, end - hours - shift, end - shift, other.without))];
  const common = tellingMost([...mine].flatMap(([number, requests]) => { const others = its.get(number - shift); return others === undefined ? [] : [{ number, own: requests, others }]; }));
  const [from, ofOwn, ofOthers] = [Math.min(...common.map(({ number }) => number)), sum(common, (each) => each.own), sum(common, ({ others }) => others)];
  const weights = new Map(common.map((each) => [each.number, (each.own * ofOthers) / (each.others * ofOwn)]));
  const [part, otherPart] = [merged(own.arm, from, end, own.without, (number) => Number(weights.has(number))), merged(other.arm, from - shift, end - shift, other.without, (number) => weights.get(number + shift) ?? 0)];
  return part === undefined || otherPart === undefined ? undefined : { own: part, other: otherPart, from };
}

/** The hours from `from` up to but without `end` as one, without some versions; undefined where nothing was served. `weightOf`: as how many a prediction of an hour counts, by the hour's number; 0: not at all. */
function merged(each: ArmHours, from: number, end: number, without = NONE, weightOf: (number: number) => number = () => 1): ProductionPart | undefined {
  const { environment, arm } = each;
  const own = hoursWithin(each, from, end, without).filter(({ number }) => weightOf(number) > 0);
  if (own.length === 0) return undefined;
  const units = new DistinctCount();
  for (const hour of own) units.merge(hour.units, weightOf(hour.number));
  const requests = sum(own, ({ collector }) => collector.requests);
  const samples = own.map(({ number, collector }) => ({ rows: collector.requests, weight: weightOf(number), features: new Map(collector.samples.map((sample) => [sample.name, sample])) }));
  const names = new Set(samples.flatMap(({ features }) => [...features.keys()]));
  const features = [...names].map((name) => joined(name, samples.map(({ rows, weight, features: known }): FeatureSample => { const sample = known.get(name) ?? { name, rows, missing: rows, values: [], categories: {}, otherCategories: 0 }; return weight === 1 ? sample : weighted(sample, weight); }), SAMPLE));
  const leftOut = new Set(own.flatMap(({ collector }) => collector.leftOut));
  const told = new Set(features.filter(hasValue).map(({ name }) => name));
  const lost = [...new Set([...each.had, ...[...each.hours.values()].flatMap(({ number, collector }) => (number < from ? collector.samples.filter(hasValue).map(({ name }) => name) : []))])].filter((name) => !told.has(name) && !leftOut.has(name));
  return { environment, arm, requests, units: units.effective, features, ...(leftOut.size === 0 ? {} : { leftOut: [...leftOut] }), ...(lost.length === 0 ? {} : { lost }) };
}

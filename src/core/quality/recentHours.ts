import { RowList } from './batch.ts';
import type { DriftDefinition, DriftReferenceTarget } from './definitions.ts';
import { DistinctCount } from './distinct.ts';
import { FeatureCollector, leftOutWords, type FeatureOptions, type SavedFeatures } from './featureCollector.ts';
import { joined } from './joinedSamples.ts';
import type { ArmSummary, DriftReference, FeatureSample, ProductionPart, ProductionWindow } from './window.ts';

const HOUR_MS = 3_600_000;
const WEEK_HOURS = 168;
/** Values of a feature: of all hours of a window together, and of all that are kept. */
const [SAMPLE, MOST_KEPT] = [5000, 24_000];
const [LEAST_OF_AN_HOUR, MOST_OF_AN_HOUR] = [200, 1000];

/** What was seen of an arm in an hour. */
export interface Hour {
  readonly collector: FeatureCollector;
  readonly units: DistinctCount;
  /** Predictions of a batch that are still to be counted. */
  readonly staged: RowList;
}

/** The hours of an arm of all services of an environment. */
export interface ArmHours {
  readonly environment: string;
  readonly arm: string;
  /** By the number of the hour since 1970. */
  readonly hours: Map<number, Hour>;
  /** The hour that came last, and when it began: the next prediction mostly is of it, too. */
  last: Hour | undefined;
  lastFrom: number;
}

/** What is known of hours, to go on from later. */
export interface SavedHours {
  readonly newest: number;
  readonly arms: readonly { readonly environment: string; readonly arm: string; readonly hours: readonly { readonly number: number; readonly collected: SavedFeatures; readonly units: Float64Array }[] }[];
}

export interface FoundHours {
  readonly production: ProductionWindow;
  /** Those of an earlier week, where they are what drift is measured against. */
  readonly references?: readonly DriftReference[];
  /** Sentences, where there is nothing to measure, or nothing to measure against. */
  readonly messages: readonly string[];
}

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
    for (const { environment, arm, hours } of saved?.arms ?? []) {
      const own = this.arm(environment, arm).hours;
      for (const { number, collected, units } of hours) own.set(number, { collector: new FeatureCollector(this.#options, collected), units: new DistinctCount(units), staged: new RowList() });
    }
  }

  get saved(): SavedHours {
    return {
      newest: this.#newest,
      arms: this.#arms.map(({ environment, arm, hours }) => ({ environment, arm, hours: [...hours].map(([number, { collector, units }]) => ({ number, collected: collector.saved, units: units.saved })) })),
    };
  }

  /** Records up to it are told, in milliseconds since 1970. */
  set now(value: number) {
    if (Number.isFinite(value)) this.#reach(Math.floor(value / HOUR_MS));
  }

  arm(environment: string, arm: string): ArmHours {
    for (const known of this.#arms) if (known.arm === arm && known.environment === environment) return known;
    const added: ArmHours = { environment, arm, hours: new Map(), last: undefined, lastFrom: 0 };
    this.#arms.push(added);
    return added;
  }

  /** Where a served prediction is counted; `at` in milliseconds since 1970. Undefined: it is too old. */
  of(arm: ArmHours, at: number): Hour | undefined {
    if (at < this.#from) return undefined;
    if (arm.last === undefined || at < arm.lastFrom || at >= arm.lastFrom + HOUR_MS) {
      const number = Math.floor(at / HOUR_MS);
      this.#reach(number);
      arm.last = arm.hours.get(number) ?? { collector: new FeatureCollector(this.#options), units: new DistinctCount(), staged: new RowList() };
      arm.lastFrom = number * HOUR_MS;
      arm.hours.set(number, arm.last);
    }
    return arm.last;
  }

  /** What drift is measured of, and against. `now` in milliseconds since 1970; `arms`: those that are told. */
  found(now: number, arms: readonly Pick<ArmSummary, 'environment' | 'arm' | 'lastSeen'>[]): FoundHours {
    const end = Math.floor(now / HOUR_MS) + 1;
    const production = this.#production(end, this.#window);
    const messages = new Set<string>();
    for (const environment of new Set(arms.map((each) => each.environment))) {
      const own = arms.filter((each) => each.environment === environment);
      const isMeasured = this.#reference !== undefined || ['current', 'candidate'].every((name) => own.some(({ arm }) => arm === name));
      if (isMeasured && !production.parts.some((part) => part.environment === environment)) messages.add(nothingWords(environment, production, Math.max(...own.map(({ lastSeen }) => lastSeen))));
    }
    const leftOut = leftOutWords(new Set(production.parts.flatMap((part) => part.leftOut ?? [])), this.#options.features, 'the log');
    if (leftOut !== undefined) messages.add(leftOut);
    if (this.#reference?.kind !== 'earlier') return { production, messages: [...messages] };
    const { references, missing } = this.#earlier(this.#reference, end);
    return { production, references, messages: [...messages, ...missing] };
  }

  /** A reference for each environment that has records of both times: current's then, or the candidate's where current did not serve. */
  #earlier({ weeks, hours }: Earlier, end: number): { readonly references: readonly DriftReference[]; readonly missing: readonly string[] } {
    const then = end - hours - weeks * WEEK_HOURS;
    const [from, to] = [then, then + hours].map((hour) => minuteWords(hour * HOUR_MS));
    const name = `the same hours ${weeks === 1 ? 'a week' : `${weeks} weeks`} earlier (${from} to ${to} UTC)`;
    const production = this.#production(end, hours);
    const references: DriftReference[] = [];
    const missing: string[] = [];
    for (const environment of new Set(this.#arms.filter((each) => each.hours.size > 0).map((each) => each.environment))) {
      const own = this.#arms.filter((each) => each.environment === environment).flatMap((each) => merged(each, then, then + hours) ?? []);
      const reference = own.find(({ arm }) => arm === 'current') ?? own.find(({ arm }) => arm === 'candidate') ?? own[0];
      if (reference === undefined) missing.push(`Drift has no reference: the log has no record${environment === '' ? '' : ` of ${environment}`} from ${from} to ${to} UTC.`);
      else references.push({ name, environment, rows: reference.requests, units: reference.units, samples: reference.features, production });
    }
    return { references, missing };
  }

  /** The last hours up to but without `end`. */
  #production(end: number, hours: number): ProductionWindow {
    return { name: `last ${hours} h`, parts: this.#arms.flatMap((each) => merged(each, end - hours, end) ?? []) };
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
      for (const old of arm.hours.keys()) if (old < this.#oldest) arm.hours.delete(old);
    }
  }
}

function nothingWords(environment: string, { name }: ProductionWindow, newest: number): string {
  return `Drift: the log has no record${environment === '' ? '' : ` of ${environment}`} of the ${name}; the newest is of ${minuteWords(newest)} UTC.`;
}

/** The hours from `from` up to but without `end` as one; undefined where nothing was served. */
function merged({ environment, arm, hours }: ArmHours, from: number, end: number): ProductionPart | undefined {
  const own = [...hours].filter(([number]) => number >= from && number < end).map(([, hour]) => hour);
  if (own.length === 0) return undefined;
  const units = new DistinctCount();
  for (const hour of own) units.merge(hour.units);
  const requests = own.reduce((sum, { collector }) => sum + collector.requests, 0);
  const samples = own.map(({ collector }) => ({ rows: collector.requests, features: new Map(collector.samples.map((sample) => [sample.name, sample])) }));
  const names = new Set(samples.flatMap(({ features }) => [...features.keys()]));
  const features = [...names].map((name) => joined(name, samples.map(({ rows, features: known }): FeatureSample => known.get(name) ?? { name, rows, missing: rows, values: [], categories: {}, otherCategories: 0 }), SAMPLE));
  const leftOut = new Set(own.flatMap(({ collector }) => collector.leftOut));
  return { environment, arm, requests, units: units.estimate, features, ...(leftOut.size === 0 ? {} : { leftOut: [...leftOut] }) };
}

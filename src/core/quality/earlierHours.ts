import { ArmCollector, type FeatureOptions, type SavedArm } from './armCollector.ts';
import { RowList } from './batch.ts';
import type { DriftReferenceTarget } from './definitions.ts';
import { DistinctCount } from './distinct.ts';
import type { DriftReference, FeatureSample, ProductionPart } from './window.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
/** Values of a feature, of all hours together. */
const SAMPLE = 5000;
const [LEAST_OF_AN_HOUR, MOST_OF_AN_HOUR] = [200, 1000];
const MOST_CATEGORIES = 1000;

/** What was seen of an arm in an hour. */
export interface Hour {
  /** Its features and scores only. */
  readonly collector: ArmCollector;
  readonly units: DistinctCount;
  /** Predictions of a batch that are still to be counted. */
  readonly staged: RowList;
}

interface Arm {
  readonly environment: string;
  readonly arm: string;
  /** By the number of the hour since 1970. */
  readonly hours: Map<number, Hour>;
}

/** What is known of hours, to go on from later. */
export interface SavedHours {
  readonly newest: number;
  readonly arms: readonly { readonly environment: string; readonly arm: string; readonly hours: readonly { readonly number: number; readonly collected: SavedArm; readonly units: Float64Array }[] }[];
}

export interface EarlierFound {
  readonly references: readonly DriftReference[];
  /** Sentences, where there is nothing to measure against. */
  readonly messages: readonly string[];
}

function hourWords(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString().slice(0, 16).replace('T', ' ');
}

/**
 * The inputs of each hour (of UTC) of each arm, so that the last hours can be measured against the same hours of an earlier week: a daily and a weekly rhythm is then no drift. What is older than
 * is needed is dropped.
 */
export class EarlierHours {
  readonly #weeks: number;
  readonly #hours: number;
  readonly #options: FeatureOptions;
  readonly #arms: Arm[] = [];
  #newest: number;

  constructor({ weeks, hours }: Extract<DriftReferenceTarget, { kind: 'earlier' }>, { features }: FeatureOptions, saved?: SavedHours) {
    this.#weeks = weeks;
    this.#hours = hours;
    this.#options = { features, sample: Math.min(MOST_OF_AN_HOUR, Math.max(LEAST_OF_AN_HOUR, Math.ceil(SAMPLE / hours))) };
    this.#newest = saved?.newest ?? 0;
    for (const { environment, arm, hours: known } of saved?.arms ?? []) {
      const own = this.#arm(environment, arm).hours;
      for (const { number, collected, units } of known) own.set(number, { collector: new ArmCollector(this.#options, collected), units: new DistinctCount(units), staged: new RowList() });
    }
  }

  get saved(): SavedHours {
    return {
      newest: this.#newest,
      arms: this.#arms.map(({ environment, arm, hours }) => ({ environment, arm, hours: [...hours].map(([number, { collector, units }]) => ({ number, collected: collector.saved, units: units.saved })) })),
    };
  }

  /** Where a served prediction is counted; `at` in milliseconds since 1970. Undefined: it is too old. */
  of(environment: string, arm: string, at: number): Hour | undefined {
    const number = Math.floor(at / HOUR_MS);
    if (number > this.#newest) this.#newest = number;
    const { hours } = this.#arm(environment, arm);
    const known = hours.get(number);
    if (known !== undefined || number < this.#oldest()) return known;
    const hour = { collector: new ArmCollector(this.#options), units: new DistinctCount(), staged: new RowList() };
    hours.set(number, hour);
    for (const old of hours.keys()) if (old < this.#oldest()) hours.delete(old);
    return hour;
  }

  /** A reference for each environment that has records of both times: current's then, or the candidate's where current did not serve. `now` in milliseconds since 1970. */
  found(now: number): EarlierFound {
    const end = Math.floor(now / HOUR_MS) + 1;
    const shift = (this.#weeks * WEEK_MS) / HOUR_MS;
    const [from, then] = [end - this.#hours, end - this.#hours - shift];
    const name = `the same hours ${this.#weeks === 1 ? 'a week' : `${this.#weeks} weeks`} earlier (${hourWords(then)} to ${hourWords(then + this.#hours)} UTC)`;
    const references: DriftReference[] = [];
    const messages: string[] = [];
    for (const environment of new Set(this.#arms.map((each) => each.environment))) {
      const own = this.#arms.filter((each) => each.environment === environment);
      const earlier = own.flatMap((each) => merged(each, then, then + this.#hours) ?? []);
      const reference = earlier.find(({ arm }) => arm === 'current') ?? earlier.find(({ arm }) => arm === 'candidate') ?? earlier[0];
      const production = own.flatMap((each) => merged(each, from, end) ?? []);
      const where = environment === '' ? '' : ` of ${environment}`;
      if (reference === undefined) messages.push(`Drift has no reference: the log has no record${where} from ${hourWords(then)} to ${hourWords(then + this.#hours)} UTC.`);
      else if (production.length === 0) messages.push(`Drift: the log has no record${where} of the last ${this.#hours} h.`);
      else references.push({ name, environment, rows: reference.requests, units: reference.units, samples: reference.features, production });
    }
    return { references, messages };
  }

  #oldest(): number {
    return this.#newest - (this.#weeks * WEEK_MS) / HOUR_MS - this.#hours;
  }

  #arm(environment: string, arm: string): Arm {
    for (const known of this.#arms) if (known.arm === arm && known.environment === environment) return known;
    const added: Arm = { environment, arm, hours: new Map() };
    this.#arms.push(added);
    return added;
  }
}

/** The hours from `from` up to but without `end` as one; undefined where nothing was served. */
function merged({ arm, hours }: Arm, from: number, end: number): ProductionPart | undefined {
  const own = [...hours].filter(([number]) => number >= from && number < end).map(([, hour]) => hour);
  if (own.length === 0) return undefined;
  const units = new DistinctCount();
  for (const hour of own) units.merge(hour.units);
  const requests = own.reduce((sum, { collector }) => sum + collector.requests, 0);
  const samples = own.map(({ collector }) => ({ requests: collector.requests, features: collector.summary().features }));
  const names = new Set(samples.flatMap(({ features }) => features.map(({ name }) => name)));
  const features = [...names].map((name) => joined(name, samples.map(({ requests: rows, features: all }) => all.find((each) => each.name === name) ?? { name, rows, missing: rows, values: [], categories: {}, otherCategories: 0 })));
  return { arm, requests, units: units.estimate, features };
}

/** A feature of several hours. Of each hour as large a share of the values as of every other one is taken, so the whole is a uniform sample again. */
function joined(name: string, parts: readonly FeatureSample[]): FeatureSample {
  const categories = new Map<string, number>();
  let [rows, missing, otherCategories] = [0, 0, 0];
  for (const part of parts) {
    rows += part.rows;
    missing += part.missing;
    otherCategories += part.otherCategories;
    for (const [category, count] of Object.entries(part.categories)) {
      const known = categories.get(category);
      if (known === undefined && categories.size >= MOST_CATEGORIES) otherCategories += count;
      else categories.set(category, (known ?? 0) + count);
    }
  }
  const numbers = parts.map((part) => ({ values: part.values, count: part.rows - part.missing - part.otherCategories - Object.values(part.categories).reduce((sum, count) => sum + count, 0) })).filter(({ values }) => values.length > 0);
  const share = Math.min(1, ...numbers.map(({ values, count }) => values.length / count), SAMPLE / numbers.reduce((sum, { count }) => sum + count, 0));
  // Evenly over the places, for the first places of a reservoir hold the first values more often.
  const values = numbers.flatMap(({ values: all, count }) => { const wanted = Math.min(all.length, Math.round(share * count)); return Array.from({ length: wanted }, (_, place) => all[Math.floor((place * all.length) / wanted)] ?? 0); });
  return { name, rows, missing, values, categories: Object.fromEntries(categories), otherCategories };
}

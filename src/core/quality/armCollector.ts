import type { RecordLike } from '../expressions/evaluate.ts';
import { codedAt, type BatchRows, type FeatureColumn, type RowList } from './batch.ts';
import { rankedBin } from './bins.ts';
import type { LabelDefinition } from './definitions.ts';
import { isOfClasses, isPositive, isUndivided, scoreOf } from './measures.ts';
import { countBins, notProbableIn, Stretches, sumOfStretches, type StretchSums } from './stretches.ts';
import type { ArmStretch, LoggedVersion } from './window.ts';

const MOST_VERSIONS = 20;
const SILENT_MS = 86_400_000;

/** How many of some rows have a number that is none: NaN or an infinity. */
function notFiniteIn({ numbers, others: { places, values } }: Pick<FeatureColumn, 'numbers' | 'others'>, rows: Uint16Array, size: number): number {
  const isNone = values.map((value) => typeof value === 'number' && !Number.isFinite(value));
  if (!isNone.includes(true)) return 0;
  let found = 0;
  for (let index = 0; index < size; index += 1) {
    const row = rows[index] ?? 0;
    if (isNone[places[row] ?? 0] === true && Number.isNaN(numbers[row])) found += 1;
  }
  return found;
}

/** What is known of an arm, to go on from later. */
export interface SavedArm {
  readonly stretches: readonly ArmStretch[];
  readonly versions: readonly LoggedVersion[];
  readonly requests: number;
  readonly units: number;
  readonly lastSeen: number;
  readonly notFinite: number;
  readonly named: number;
  readonly nameless: number;
  readonly withoutRequest: number;
}

/** A version as its record names it; undefined: none. */
export function versionName(version: unknown): string | undefined {
  const name = typeof version === 'number' ? String(version) : version;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

interface Seen { readonly name: string; first: number; last: number; requests: number }

/** Everything about one arm in one environment that is kept neither per window nor per hour. */
export class ArmCollector {
  readonly #stretches: Stretches;
  readonly #versions = new Map<string, Seen>();
  requests = 0;
  units = 0;
  lastSeen = 0;
  /** Values of features and scores that were NaN or infinite. */
  notFinite = 0;
  /** Predictions that say of which unit they are, and those that do not, since units were last counted anew. */
  named = 0;
  nameless = 0;
  /** Predictions whose outcome nobody can know, for they have no request id. */
  withoutRequest = 0;

  constructor(saved?: SavedArm) {
    this.#stretches = new Stretches(saved?.stretches);
    if (saved === undefined) return;
    for (const { version, ...seen } of saved.versions) this.#versions.set(version, { name: version, ...seen });
    [this.requests, this.units, this.lastSeen, this.notFinite, this.named, this.nameless, this.withoutRequest] = [saved.requests, saved.units, saved.lastSeen, saved.notFinite, saved.named, saved.nameless, saved.withoutRequest];
  }

  get saved(): SavedArm {
    const { requests, units, lastSeen, notFinite, named, nameless, withoutRequest } = this;
    return { stretches: this.#stretches.all, versions: this.#loggedVersions(), requests, units, lastSeen, notFinite, named, nameless, withoutRequest };
  }

  /** Counts predictions of a batch column by column. `now`: what comes from after it counts as of then. */
  countRows({ times, versions, latencyBins, scoreBins, scores, labels, columns }: BatchRows, { rows, size }: RowList, now: number): void {
    this.requests += size;
    let place = -1;
    let seen: Seen | undefined;
    for (let index = 0; index < size; index += 1) {
      const row = rows[index] ?? 0;
      const at = Math.min(times[row] ?? 0, now);
      if (at > this.lastSeen) this.lastSeen = at;
      if (versions.places[row] !== place) {
        place = versions.places[row] ?? 0;
        seen = this.#seenVersion(codedAt(versions, row), at);
      }
      if (seen === undefined) continue;
      if (at < seen.first) seen.first = at;
      if (at > seen.last) seen.last = at;
      seen.requests += 1;
    }
    for (let from = 0; from < size;) {
      const timeOf = (index: number): number => Math.min(times[rows[index] ?? 0] ?? 0, now);
      const stretch = this.#stretches.at(timeOf(from));
      let to = from + 1;
      while (to < size && timeOf(to) >= stretch.start && timeOf(to) < stretch.end) to += 1;
      countBins(stretch.latency, latencyBins, rows, from, to);
      countBins(stretch.score, scoreBins, rows, from, to);
      stretch.notProbable += notProbableIn(scores, rows, from, to);
      from = to;
    }
    this.notFinite += notFiniteIn({ numbers: scores, others: labels }, rows, size);
    for (const column of columns) this.notFinite += notFiniteIn(column, rows, size);
  }

  /** Undefined: none is told, or there are too many. */
  #seenVersion(version: unknown, at: number): Seen | undefined {
    const name = versionName(version);
    if (name === undefined) return undefined;
    const known = this.#versions.get(name);
    if (known !== undefined) return known;
    if (this.#versions.size >= MOST_VERSIONS && !this.#forgetVersion(at)) return undefined;
    const seen: Seen = { name, first: at, last: at, requests: 0 };
    this.#versions.set(name, seen);
    return seen;
  }

  /** Forgets the version that has been silent longest, for a day at least: one that answers now is to be known as new. False: all of them answer side by side. */
  #forgetVersion(at: number): boolean {
    const oldest = [...this.#versions.values()].reduce((least, each) => (each.last < least.last ? each : least));
    return oldest.last < at - SILENT_MS && this.#versions.delete(oldest.name);
  }

  /** `at`: when it was predicted, in milliseconds since 1970. */
  matured(at: number): void {
    this.#stretches.at(at).matured += 1;
  }

  /** A prediction that has an outcome. `times`: -1 takes back what was counted. */
  labelled(at: number, times: 1 | -1): void {
    this.#stretches.at(at).labelled += times;
  }

  /** What a prediction was and turned out to be, also by what absence means. `times`: -1 takes back what was counted. */
  addOutcome(record: RecordLike, labels: LabelDefinition, at: number, times: 1 | -1 = 1): void {
    const { field } = labels;
    const [score, actual] = [scoreOf(record), isPositive(record[field])];
    if (score === null || actual === null || isOfClasses(record, field)) return;
    this.#stretches.addLabelled(at, rankedBin(score), actual, times);
    if (isUndivided(record, score, labels)) this.#stretches.at(at).undivided += times;
  }

  #loggedVersions(): LoggedVersion[] {
    return [...this.#versions.values()].map(({ name, ...seen }) => ({ version: name, ...seen }));
  }

  summary(): StretchSums & { readonly versions: readonly LoggedVersion[]; readonly stretches: readonly ArmStretch[] } {
    const stretches = this.#stretches.all;
    return { versions: this.#loggedVersions().sort((a, b) => a.first - b.first), stretches, ...sumOfStretches(stretches) };
  }
}

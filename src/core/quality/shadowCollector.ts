import { isPresent } from '../expressions/evaluate.ts';
import type { LabelDefinition } from './definitions.ts';
import { DrawnSlots } from './drawnSlots.ts';
import { NumberColumn } from './hashSlots.ts';
import { JudgedPairs, type JudgedPair, type SavedJudged } from './judgedPairs.ts';
import { binaryOf, isPositive } from './measures.ts';
import { isBetterTold, isLate, OWN } from './outcomeRank.ts';
import { PairCounts, type SavedPairs } from './pairCounts.ts';
import { isOutcome } from './stager.ts';
import { WaitingAnswers, type Answer, type AnswerParts, type SavedWaiting } from './waitingAnswers.ts';
import type { ShadowPairs } from './window.ts';

/** So many answers, and so many pairs without an outcome, wait at most; about 120 bytes each. */
const MOST_WAITING = 500_000;
/** Of those as many pairs at least, and twice as many at most, are remembered that were judged, for outcomes that count rather than the one they were judged by. */
const REMEMBERED = 0.25;
/** Versions of an environment whose pairs are kept; the ones that were new first go first. */
const MOST_VERSIONS = 10;
/** Names of environments and versions; those after them count as not told. */
const MOST_NAMES = 1000;
const SERVED_YES = 2;

/** Environments and versions by their numbers; 0: none. */
class Names {
  readonly all: string[];
  readonly #numbers: Map<string, number>;
  #last = 0;

  constructor(all: readonly string[] = ['']) {
    this.all = [...all];
    this.#numbers = new Map(all.map((name, number) => [name, number]));
  }

  of(name: string): number {
    if (this.all[this.#last] === name) return this.#last;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      if (this.all.length >= MOST_NAMES) return 0;
      number = this.all.push(name) - 1;
      this.#numbers.set(name, number);
    }
    this.#last = number;
    return number;
  }
}

/** What is known of pairs, to go on from later: what waits by the hashes of its requests, and request ids of the examples only. */
export interface SavedShadow {
  readonly environments: readonly string[];
  readonly versions: readonly string[];
  /** By the number of a version: when it was first logged. */
  readonly first: readonly number[];
  /** By the number of an environment: answers that were dropped before they were logged. */
  readonly dropped: readonly number[];
  readonly oneIn: number;
  readonly labelledOneIn: number;
  readonly hasOtherOutcomes: boolean;
  readonly waiting: SavedWaiting;
  readonly pairs: readonly { readonly environment: number; readonly version: number; readonly counted: SavedPairs }[];
  /** Pairs that wait for their outcome, in the order in which they came: by request both decisions and the number of the environment's and the version's pairs. */
  readonly unlabelled: { readonly level: number; readonly requests: Float64Array; readonly decisions: Float64Array; readonly pairs: Float64Array; readonly limits: Float64Array };
  readonly judged: SavedJudged;
}

/** The pairs of an environment and a version. */
interface Counted {
  /** Never given again. */
  readonly number: number;
  readonly environment: number;
  readonly version: number;
  readonly counts: PairCounts;
}

/** What a record tells of an answer. */
export interface LoggedAnswer {
  /** The hash of its request. */
  readonly request: number;
  /** Empty where none is told. */
  readonly environment: string;
  /** NaN: none. */
  readonly score: number;
  readonly label: unknown;
  readonly error: unknown;
  readonly outcome: unknown;
  readonly slices: readonly string[];
  /** In milliseconds since 1970. */
  readonly at: number;
}

export interface LoggedShadow extends LoggedAnswer {
  readonly requestId: string;
  readonly version: string;
  /** How many others were dropped before it, since the last one that was logged. */
  readonly dropped: number;
}

/** Pairs the served answer with the shadow's by request id, and both with their outcome, in whatever order the three come; of several outcomes by the one that metrics go by (`isBetterTold`). */
export class ShadowCollector {
  readonly #labels: LabelDefinition;
  readonly #environments: Names;
  readonly #versions: Names;
  readonly #first: number[];
  readonly #dropped: number[];
  readonly #waiting: WaitingAnswers;
  readonly #unlabelled: DrawnSlots;
  readonly #decisions = new NumberColumn();
  readonly #pairsOf = new NumberColumn();
  readonly #limits = new NumberColumn();
  readonly #judged: JudgedPairs;
  readonly #counted = new Map<number, Counted>();
  #next = 0;
  #oneIn: number;
  #labelledOneIn: number;
  #hasShadow: boolean;
  #hasOtherOutcomes: boolean;
  /** Whether answers that were served are not known here, because what was read of them was saved without them. */
  readonly #isPartial: boolean;

  /** @param saved what was counted before, if anything was; without its `shadow` where none had come by then */
  constructor(labels: LabelDefinition, saved?: { readonly shadow?: SavedShadow | undefined }, most = MOST_WAITING) {
    const known = saved?.shadow;
    this.#labels = labels;
    this.#isPartial = saved !== undefined && known === undefined;
    this.#hasShadow = known !== undefined;
    this.#hasOtherOutcomes = known?.hasOtherOutcomes ?? false;
    this.#environments = new Names(known?.environments);
    this.#versions = new Names(known?.versions);
    [this.#first, this.#dropped] = [[...known?.first ?? []], [...known?.dropped ?? []]];
    [this.#oneIn, this.#labelledOneIn] = [known?.oneIn ?? 1, known?.labelledOneIn ?? 1];
    this.#waiting = new WaitingAnswers(most, () => this.#passOver(), known?.waiting);
    this.#unlabelled = new DrawnSlots(most, { dropped: (_, isDrawnOut) => { if (isDrawnOut) this.#passOverPair(); }, moved: () => undefined }, known?.unlabelled.level);
    for (const { environment, version, counted } of known?.pairs ?? []) this.#made(environment, version, counted);
    for (const [index, request] of known?.unlabelled.requests.entries() ?? []) this.#keep(request, known?.unlabelled.decisions[index] ?? 0, known?.unlabelled.pairs[index] ?? 0, known?.unlabelled.limits[index] ?? Number.NaN);
    this.#judged = new JudgedPairs(Math.ceil(REMEMBERED * most), known?.judged);
  }

  /** Undefined when there was no shadow: what was served is then not kept, for most logs have none. */
  get saved(): SavedShadow | undefined {
    if (!this.#hasShadow) return undefined;
    const counted = [...this.#counted.values()];
    const places = new Map(counted.map(({ number }, place) => [number, place]));
    const requests = this.#unlabelled.inOrder().filter((request) => places.has(this.#pairsOf.get(this.#unlabelled.find(request))));
    const numbers = (of: (place: number) => number): Float64Array => Float64Array.from(requests, (request) => of(this.#unlabelled.find(request)));
    return {
      environments: this.#environments.all, versions: this.#versions.all, first: this.#first, dropped: this.#dropped, oneIn: this.#oneIn, labelledOneIn: this.#labelledOneIn, hasOtherOutcomes: this.#hasOtherOutcomes, waiting: this.#waiting.saved,
      pairs: counted.map(({ environment, version, counts }) => ({ environment, version, counted: counts.saved })),
      unlabelled: { level: this.#unlabelled.level, requests: Float64Array.from(requests), decisions: numbers((place) => this.#decisions.get(place)), pairs: numbers((place) => places.get(this.#pairsOf.get(place)) ?? 0), limits: numbers((place) => this.#limits.get(place)) },
      judged: this.#judged.saved((number) => places.get(number)),
    };
  }

  /**
   * Whether something came that needs what was not saved: what was served before the first shadow, or the request id of one that waited. The latter only where it is an example, as few pairs
   * are, so no other id need be kept on disk.
   */
  get isIncomplete(): boolean {
    return (this.#hasShadow && this.#isPartial) || [...this.#counted.values()].some(({ counts }) => counts.isIncomplete);
  }

  follows(request: number): boolean {
    return this.#waiting.follows(request);
  }

  /** An answer to a request that is followed. */
  addServed(logged: LoggedAnswer): void {
    const { request } = logged;
    const shadow = this.#hasShadow ? this.#waiting.take(request, 'shadow') : undefined;
    const parts = this.#partsOf(logged, logged.at + this.#labels.matureAfterMs);
    if (shadow === undefined) this.#waiting.add(request, 'served', parts);
    else this.#pair(request, answerOf(parts), shadow);
  }

  addShadow(logged: LoggedShadow): void {
    this.#hasShadow = true;
    const { request, version, at, dropped } = logged;
    const number = this.#versions.of(version);
    const environment = this.#environments.of(logged.environment);
    if (dropped > 0) this.#dropped[environment] = (this.#dropped[environment] ?? 0) + dropped;
    this.#first[number] = Math.min(this.#first[number] ?? Number.POSITIVE_INFINITY, at);
    if (!this.#waiting.follows(request)) {
      this.#passOver();
      return;
    }
    const served = this.#waiting.take(request, 'served');
    const parts = { ...this.#partsOf(logged, this.#anyLimit), version: number, requestId: logged.requestId };
    if (served === undefined) this.#waiting.add(request, 'shadow', parts);
    else this.#pair(request, served, answerOf(parts));
  }

  /** Up to when outcomes are in time while nobody knows when the prediction was: all of them are, so the newest counts; without `mature_after` none that comes after it, so the first. */
  get #anyLimit(): number {
    return this.#labels.matureAfterMs > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  #partsOf({ environment, score, label, error, outcome, slices }: LoggedAnswer, limit: number): AnswerParts {
    return { score, error: isPresent(error), outcome: this.#toldBy(outcome), told: OWN, limit, label: labelOf(label), slices, environment: this.#environments.of(environment), version: 0, requestId: undefined };
  }

  /** What an outcome tells; null: neither yes nor no. */
  #toldBy(value: unknown): boolean | null {
    if (!this.#hasOtherOutcomes && isOutcome(value)) this.#hasOtherOutcomes = binaryOf(value) === null;
    return isPositive(value);
  }

  /** A shadow answer is not followed. */
  #passOver(): void {
    this.#oneIn = Math.max(this.#oneIn, this.#waiting.level);
  }

  /** A pair is not followed to its outcome. */
  #passOverPair(): void {
    this.#labelledOneIn = Math.max(this.#labelledOneIn, this.#unlabelled.level);
  }

  #pair(request: number, served: Answer, shadow: Answer): void {
    const counted = this.#countedOf(served.environment, shadow.version);
    const decisions = counted?.counts.add(served, shadow);
    if (counted === undefined || decisions === undefined) return;
    // Whether its outcome has come or is to come makes no difference to whether a request is drawn.
    if (!this.#unlabelled.follows(request)) {
      this.#passOverPair();
      return;
    }
    const { limit } = served;
    const isShadows = shadow.outcome !== null && (served.outcome === null || isBetterTold({ value: shadow.outcome, at: shadow.told }, { value: served.outcome, at: served.told }, limit));
    const { outcome, told } = isShadows ? shadow : served;
    const both = (decisions[0] ? SERVED_YES : 0) + Number(decisions[1]);
    if (outcome === null || this.#isTooLate(told, limit)) this.#keep(request, both, counted.number, limit);
    else this.#judge(request, { decisions: both, pairs: counted.number, outcome, told, limit });
  }

  /** Where it is known what it means that none came in time. */
  #isTooLate(told: number, limit: number): boolean {
    return this.#labels.absentMeans !== undefined && isLate(told, limit);
  }

  #judge(request: number, judged: JudgedPair): void {
    this.#countJudged(judged, 1);
    this.#judged.keep(request, judged);
  }

  #countJudged({ decisions, pairs, outcome }: JudgedPair, times: 1 | -1): void {
    this.#counted.get(pairs)?.counts.judge([decisions >= SERVED_YES, decisions % SERVED_YES === 1], outcome, times);
  }

  #keep(request: number, decisions: number, pairs: number, limit: number): void {
    const known = this.#unlabelled.find(request);
    const place = known < 0 ? this.#unlabelled.add(request) : known;
    this.#decisions.set(place, decisions);
    this.#pairsOf.set(place, pairs);
    this.#limits.set(place, limit);
    this.#unlabelled.makeRoom();
  }

  /** `told`: when, in milliseconds since 1970; NaN where it bears no time. */
  addOutcome(request: number, value: unknown, told: number): void {
    const outcome = this.#toldBy(value);
    if (outcome === null) return;
    const judged = this.#judged.find(request);
    if (judged !== undefined) {
      this.#correct(request, judged, { outcome, told });
      return;
    }
    if (!this.#waiting.follows(request) || !this.#unlabelled.follows(request)) return;
    const place = this.#unlabelled.find(request);
    if (place < 0) {
      this.#waiting.addOutcome(request, outcome, told, this.#anyLimit);
      return;
    }
    const limit = this.#limits.get(place);
    if (this.#isTooLate(told, limit)) return;
    this.#judge(request, { decisions: this.#decisions.get(place), pairs: this.#pairsOf.get(place), outcome, told, limit });
    this.#unlabelled.delete(request);
  }

  /** Another outcome of a pair that was judged. */
  #correct(request: number, judged: JudgedPair, { outcome, told }: Pick<JudgedPair, 'outcome' | 'told'>): void {
    if (this.#isTooLate(told, judged.limit) || !isBetterTold({ value: outcome, at: told }, { value: judged.outcome, at: judged.told }, judged.limit)) return;
    this.#countJudged(judged, -1);
    this.#judge(request, { ...judged, outcome, told });
  }

  /** Undefined where the version is older than all that are kept. */
  #countedOf(environment: number, version: number): Counted | undefined {
    for (const each of this.#counted.values()) if (each.environment === environment && each.version === version) return each;
    const own = [...this.#counted.values()].filter((each) => each.environment === environment);
    const oldest = this.#newest([...own, { environment, version }]).at(-1);
    if (own.length >= MOST_VERSIONS && oldest !== undefined) {
      if (!('number' in oldest)) return undefined;
      this.#counted.delete(oldest.number);
    }
    return this.#made(environment, version);
  }

  #made(environment: number, version: number, saved?: SavedPairs): Counted {
    const made = { number: this.#next, environment, version, counts: new PairCounts(this.#labels, saved) };
    this.#counted.set(made.number, made);
    this.#next += 1;
    return made;
  }

  /** Those whose version was new last come first. */
  #newest<T extends { readonly version: number }>(all: readonly T[]): T[] {
    return all.toSorted((a, b) => (this.#first[b.version] ?? 0) - (this.#first[a.version] ?? 0));
  }

  /** For when all files have been read to their end. */
  settle(): void {
    this.#waiting.settle();
    this.#unlabelled.settle();
  }

  /** By environment, in the order of their names; undefined when there was no shadow. */
  get pairs(): ShadowPairs[] | undefined {
    if (!this.#hasShadow) return undefined;
    const { unpaired } = this.#waiting;
    const told = new Set([...this.#counted.values()].map(({ environment }) => environment));
    for (const [environment, count] of unpaired.entries()) if (environment !== 0 && count > 0) told.add(environment);
    // Without a pair nobody knows where those that name no environment belong.
    const environments = told.size > 0 ? [...told] : this.#environments.all.map((_, number) => number).filter((number) => number > 0 || this.#environments.all.length === 1);
    return environments.map((environment) => this.#pairsIn(environment)).sort((a, b) => (a.environment < b.environment ? -1 : 1));
  }

  #pairsIn(environment: number): ShadowPairs {
    const [newest, ...others] = this.#newest([...this.#counted.values()].filter((each) => each.environment === environment));
    const { unpaired } = this.#waiting;
    const nameOf = (version: number): string | undefined => this.#versions.all[version] || undefined;
    const version = newest === undefined ? undefined : nameOf(newest.version);
    return {
      environment: this.#environments.all[environment] ?? '', ...(version === undefined ? {} : { version }), since: this.#first[newest?.version ?? 0] ?? Number.NaN,
      otherVersions: others.map((each) => ({ version: nameOf(each.version), pairs: each.counts.counts.pairs })),
      ...(this.#labels.absentMeans === undefined ? {} : { absentMeans: this.#labels.absentMeans }), hasOtherOutcomes: this.#hasOtherOutcomes,
      oneIn: this.#oneIn, labelledOneIn: this.#labelledOneIn, unpaired: countIn(unpaired, environment), dropped: countIn(this.#dropped, environment), ...(newest?.counts ?? new PairCounts(this.#labels)).told,
    };
  }
}

function answerOf({ score, ...parts }: AnswerParts): Answer {
  return { ...parts, score: Number.isNaN(score) ? null : score };
}

/** Of those that name an environment and those that name none. */
function countIn(counts: readonly number[], environment: number): number {
  return (counts[0] ?? 0) + (environment === 0 ? 0 : counts[environment] ?? 0);
}

function labelOf(label: unknown): string | undefined {
  return (typeof label === 'string' && label !== '') || typeof label === 'boolean' || (typeof label === 'number' && !Number.isNaN(label)) ? String(label) : undefined;
}

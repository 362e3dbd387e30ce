import type { LabelDefinition } from './definitions.ts';
import { RecentMap, Reservoir, type SavedReservoir } from './hashing.ts';
import { answerOf, factsOf, RecentAnswers, type Answer, type SavedAnswers } from './recentAnswers.ts';
import { binaryOf, isPositive } from './measures.ts';
import type { ShadowPairs } from './window.ts';

/** Answers that wait for their partner: this many at least. */
const MOST_WAITING = 100_000;
const MOST_EXAMPLES = 10;
const SAMPLE = 5000;

function words({ score, label, error }: Answer): string {
  return error ? 'error' : score === null ? label ?? 'nothing' : String(score);
}

/** Pairs of decisions by the hash of their request. */
interface SavedDecisions {
  readonly requests: Float64Array;
  readonly decisions: Float64Array;
}

/** What is known of pairs, to go on from later: answers that wait by the hashes of their requests, and request ids of the examples only. */
export interface SavedShadow {
  readonly counts: Counts;
  readonly served: SavedAnswers;
  readonly shadow: SavedAnswers;
  readonly unlabelled: readonly SavedDecisions[];
  readonly slices: readonly (readonly [string, { readonly pairs: number; readonly agreed: number }])[];
  readonly scores: readonly SavedReservoir[];
  readonly examples: readonly Omit<Example, 'difference'>[];
  readonly differences: Float64Array;
}

interface Counts { pairs: number; agreed: number; errors: number; labelled: number; onlyServed: number; onlyShadow: number }

/** The request id is undefined where the shadow's answer was saved, without it. */
type Example = Omit<ShadowPairs['examples'][number], 'requestId'> & { readonly requestId: string | undefined };
type Decisions = readonly [served: boolean, shadow: boolean, isByLabel: boolean];

const SERVED_YES = 2;
const BY_LABEL = 4;

function savedDecisions(pairs: ReadonlyMap<number, Decisions>): SavedDecisions {
  const [requests, decisions] = [new Float64Array(pairs.size), new Float64Array(pairs.size)];
  let place = 0;
  for (const [request, [served, shadow, isByLabel]] of pairs) {
    requests[place] = request;
    decisions[place] = (isByLabel ? BY_LABEL : 0) + (served ? SERVED_YES : 0) + Number(shadow);
    place += 1;
  }
  return { requests, decisions };
}

function* decisionsOf({ requests, decisions }: SavedDecisions): Generator<[number, Decisions]> {
  for (const [place, request] of requests.entries()) {
    const both = decisions[place] ?? 0;
    yield [request, [both % BY_LABEL >= SERVED_YES, both % SERVED_YES === 1, both >= BY_LABEL]];
  }
}

/** Pairs the served answer with the shadow's by request id. */
export class ShadowCollector {
  readonly #labels: LabelDefinition;
  readonly #served: RecentAnswers;
  readonly #shadow: RecentAnswers;
  readonly #unlabelled: RecentMap<Decisions>;
  readonly #slices: Map<string, { readonly pairs: number; readonly agreed: number }>;
  readonly #scores: readonly [Reservoir, Reservoir, Reservoir];
  readonly #counts: Counts;
  #examples: readonly Example[];
  #hasShadow: boolean;
  /** Whether answers that were served are not known here, because what was read of them was saved without them. */
  readonly #isPartial: boolean;

  /** @param saved what was counted before, if anything was; without its `shadow` where none had come by then */
  constructor(labels: LabelDefinition, saved?: { readonly shadow?: SavedShadow | undefined }) {
    const known = saved?.shadow;
    this.#labels = labels;
    this.#isPartial = saved !== undefined && known === undefined;
    this.#hasShadow = known !== undefined;
    this.#served = new RecentAnswers(MOST_WAITING, known?.served);
    this.#shadow = new RecentAnswers(MOST_WAITING, known?.shadow);
    this.#unlabelled = new RecentMap(MOST_WAITING, known?.unlabelled.map(decisionsOf));
    this.#slices = new Map(known?.slices);
    this.#scores = [new Reservoir(SAMPLE, 11, known?.scores[0]), new Reservoir(SAMPLE, 12, known?.scores[1]), new Reservoir(SAMPLE, 13, known?.scores[2])];
    this.#counts = { pairs: 0, agreed: 0, errors: 0, labelled: 0, onlyServed: 0, onlyShadow: 0, ...known?.counts };
    this.#examples = known?.examples.map((example, index) => ({ ...example, difference: known.differences[index] ?? Number.NaN })) ?? [];
  }

  /** Undefined when there was no shadow: what was served is then not kept, for most logs have none. */
  get saved(): SavedShadow | undefined {
    if (!this.#hasShadow) return undefined;
    return {
      counts: { ...this.#counts }, served: this.#served.saved, shadow: this.#shadow.saved, unlabelled: this.#unlabelled.generations.map(savedDecisions), slices: [...this.#slices], scores: this.#scores.map(({ saved }) => saved),
      examples: this.#examples.map(({ requestId, served, shadow }) => ({ requestId, served, shadow })), differences: Float64Array.from(this.#examples, ({ difference }) => difference),
    };
  }

  /**
   * Whether something came that needs what was not saved: what was served before the first shadow, or the request id of one that waited. The latter only where it is an example, as few pairs
   * are, so no other id need be kept on disk.
   */
  get isIncomplete(): boolean {
    return (this.#hasShadow && this.#isPartial) || this.#examples.some(({ requestId }) => requestId === undefined);
  }

  /** What was served; `request` is the hash of its id, a score of NaN none. */
  addServed(request: number, score: number, label: unknown, error: unknown, outcome: unknown, slices: readonly string[]): void {
    const facts = this.#facts(score, label, error, outcome);
    const name = labelOf(label);
    const shadow = this.#hasShadow ? this.#shadow.take(request) : undefined;
    if (shadow === undefined) this.#served.add(request, score, facts, name, slices, undefined);
    else this.#pair(request, answerOf(score, facts, name, slices, undefined), shadow);
  }

  addShadow(request: number, requestId: string, score: number, label: unknown, error: unknown, outcome: unknown, slices: readonly string[]): void {
    this.#hasShadow = true;
    const facts = this.#facts(score, label, error, outcome);
    const name = labelOf(label);
    if (isError(error)) this.#counts.errors += 1;
    const served = this.#served.take(request);
    if (served === undefined) this.#shadow.add(request, score, facts, name, slices, requestId);
    else this.#pair(request, served, answerOf(score, facts, name, slices, requestId));
  }

  #facts(score: number, label: unknown, error: unknown, outcome: unknown): number {
    // Without a score labels may be classes: those agree where they are the same, and none of them is right by being positive.
    return Number.isNaN(score) ? factsOf(binaryOf(label), binaryOf(outcome), isError(error)) : factsOf(score >= this.#labels.threshold, isPositive(outcome), isError(error));
  }

  #pair(request: number, served: Answer, shadow: Answer): void {
    if (shadow.error || served.error) return;
    this.#counts.pairs += 1;
    const agrees = served.decision !== null && shadow.decision !== null ? served.decision === shadow.decision : served.label === shadow.label;
    if (agrees) this.#counts.agreed += 1;
    for (const slice of served.slices) {
      const counted = this.#slices.get(slice) ?? { pairs: 0, agreed: 0 };
      this.#slices.set(slice, { pairs: counted.pairs + 1, agreed: counted.agreed + Number(agrees) });
    }
    const difference = served.score === null || shadow.score === null ? Number(!agrees) : Math.abs(served.score - shadow.score);
    this.#scores[2].add(difference);
    if (served.score !== null) this.#scores[0].add(served.score);
    if (shadow.score !== null) this.#scores[1].add(shadow.score);
    const last = this.#examples.at(-1);
    if (difference > 0 && (this.#examples.length < MOST_EXAMPLES || difference > (last?.difference ?? 0))) {
      this.#examples = [...this.#examples, { requestId: shadow.requestId, served: words(served), shadow: words(shadow), difference }].sort((a, b) => b.difference - a.difference).slice(0, MOST_EXAMPLES);
    }
    if (served.decision === null || shadow.decision === null) return;
    const outcome = served.outcome ?? shadow.outcome;
    if (outcome === null) this.#unlabelled.set(request, [served.decision, shadow.decision, served.score === null || shadow.score === null]);
    else this.#judge(served.decision, shadow.decision, outcome);
  }

  #judge(served: boolean, shadow: boolean, outcome: boolean): void {
    this.#counts.labelled += 1;
    if (served === outcome && shadow !== outcome) this.#counts.onlyServed += 1;
    if (served !== outcome && shadow === outcome) this.#counts.onlyShadow += 1;
  }

  addOutcome(request: number, value: unknown): void {
    const pair = this.#unlabelled.get(request);
    const outcome = pair?.[2] === true ? binaryOf(value) : isPositive(value);
    if (pair === undefined || outcome === null) return;
    this.#unlabelled.delete(request);
    this.#judge(pair[0], pair[1], outcome);
  }

  /** Undefined when there was no shadow. */
  get pairs(): ShadowPairs | undefined {
    if (!this.#hasShadow) return undefined;
    const { onlyServed, onlyShadow, ...counts } = this.#counts;
    return {
      ...counts, unpaired: this.#shadow.size,
      served: this.#scores[0].values, shadow: this.#scores[1].values, differences: this.#scores[2].values,
      onlyServedRight: onlyServed, onlyShadowRight: onlyShadow,
      slices: [...this.#slices].map(([slice, counted]) => ({ slice, ...counted })), examples: this.#examples.map((example) => ({ ...example, requestId: example.requestId ?? '' })),
    };
  }
}

function labelOf(label: unknown): string | undefined {
  return typeof label === 'string' || typeof label === 'number' || typeof label === 'boolean' ? String(label) : undefined;
}

function isError(error: unknown): boolean {
  return error !== null && error !== undefined && error !== '' && error !== false;
}

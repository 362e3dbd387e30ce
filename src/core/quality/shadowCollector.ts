import type { LabelDefinition } from './definitions.ts';
import { RecentMap, Reservoir } from './hashing.ts';
import { answerOf, factsOf, RecentAnswers, type Answer } from './recentAnswers.ts';
import { binaryOf, isPositive } from './measures.ts';
import type { ShadowPairs } from './window.ts';

/** Answers that wait for their partner: this many at least. */
const MOST_WAITING = 100_000;
const MOST_EXAMPLES = 10;
const SAMPLE = 5000;

function words({ score, label, error }: Answer): string {
  return error ? 'error' : score === null ? label ?? 'nothing' : String(score);
}

/** Pairs the served answer with the shadow's by request id. */
export class ShadowCollector {
  readonly #labels: LabelDefinition;
  readonly #served = new RecentAnswers(MOST_WAITING);
  readonly #shadow = new RecentAnswers(MOST_WAITING);
  readonly #unlabelled = new RecentMap<readonly [served: boolean, shadow: boolean, isByLabel: boolean]>(MOST_WAITING);
  readonly #slices = new Map<string, { pairs: number; agreed: number }>();
  readonly #scores = [new Reservoir(SAMPLE, 11), new Reservoir(SAMPLE, 12), new Reservoir(SAMPLE, 13)] as const;
  #examples: { requestId: string; served: string; shadow: string; difference: number }[] = [];
  #pairs = 0;
  #agreed = 0;
  #errors = 0;
  #labelled = 0;
  #onlyServed = 0;
  #onlyShadow = 0;
  #hasShadow = false;
  /** Whether answers that were served are not known here, because what was read of them was saved without them. */
  readonly #isPartial: boolean;

  constructor(labels: LabelDefinition, isPartial = false) {
    this.#labels = labels;
    this.#isPartial = isPartial;
  }

  get hasShadow(): boolean {
    return this.#hasShadow;
  }

  /** Whether a shadow may have missed its partner, which is not known here. */
  get isIncomplete(): boolean {
    return this.#hasShadow && this.#isPartial;
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
    if (isError(error)) this.#errors += 1;
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
    this.#pairs += 1;
    const agrees = served.decision !== null && shadow.decision !== null ? served.decision === shadow.decision : served.label === shadow.label;
    if (agrees) this.#agreed += 1;
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
      this.#examples = [...this.#examples, { requestId: shadow.requestId ?? '', served: words(served), shadow: words(shadow), difference }].sort((a, b) => b.difference - a.difference).slice(0, MOST_EXAMPLES);
    }
    if (served.decision === null || shadow.decision === null) return;
    const outcome = served.outcome ?? shadow.outcome;
    if (outcome === null) this.#unlabelled.set(request, [served.decision, shadow.decision, served.score === null || shadow.score === null]);
    else this.#judge(served.decision, shadow.decision, outcome);
  }

  #judge(served: boolean, shadow: boolean, outcome: boolean): void {
    this.#labelled += 1;
    if (served === outcome && shadow !== outcome) this.#onlyServed += 1;
    if (served !== outcome && shadow === outcome) this.#onlyShadow += 1;
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
    return {
      pairs: this.#pairs, unpaired: this.#shadow.size, agreed: this.#agreed, errors: this.#errors,
      served: this.#scores[0].values, shadow: this.#scores[1].values, differences: this.#scores[2].values,
      onlyServedRight: this.#onlyServed, onlyShadowRight: this.#onlyShadow, labelled: this.#labelled,
      slices: [...this.#slices].map(([slice, counted]) => ({ slice, ...counted })), examples: this.#examples,
    };
  }
}

function labelOf(label: unknown): string | undefined {
  return typeof label === 'string' || typeof label === 'number' || typeof label === 'boolean' ? String(label) : undefined;
}

function isError(error: unknown): boolean {
  return error !== null && error !== undefined && error !== '' && error !== false;
}

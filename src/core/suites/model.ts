import type { Json } from './json.ts';

/** One row of input: columns in their order. What a model gets is always made of JSON's values. */
export type Row = Readonly<Record<string, Json>>;

/** What a model answered to one row, taken out of its answer by the suite's `output`. */
export interface Output {
  readonly label?: Json;
  /** Finite. */
  readonly score?: number;
  /** By class; finite. */
  readonly proba?: Readonly<Record<string, number>>;
}

/** A row whose answer is asked for, beside the original, and how it came about. */
export interface Variant {
  readonly row: Row;
  /** In words for people: `income 48 -> 57.6`. */
  readonly change: string;
}

/** What came of one case; an error is neither a failure nor a pass. `reason` is in words. */
export type CaseOutcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly reason: string; readonly change?: string; readonly expected: string; readonly actual: string; readonly row: Row }
  /** It could not fail, whatever the model answers. */
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'error'; readonly reason: string; readonly row: Row };

export type TestKind = 'expectation' | 'invariance' | 'directional' | 'boundary' | 'performance';

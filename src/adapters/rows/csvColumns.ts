/** What the columns of a CSV file hold. */
import { isNotFinite, saysMissing, toNumber } from '../../core/expressions/evaluate.ts';
import { isCode } from '../../core/quality/featureValue.ts';
import type { Json } from '../../core/suites/json.ts';
import type { Row } from '../../core/suites/model.ts';

/** Rows are replayed, value by value, or counted, as a log's are. */
export type RowUse = 'replayed' | 'counted';

type ColumnKind = 'number' | 'boolean' | 'text';
/** How many values of a column look like each; a code is a number with leading zeros, which it would lose as a number. */
type Looks = Record<ColumnKind | 'code', number>;

const NUMBER = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const TRUTH = /^(?:true|false)$/i;

/** What a text looks like; undefined: it says of no column what it holds. */
function lookOf(text: string, use: RowUse): keyof Looks | undefined {
  if (TRUTH.test(text)) return 'boolean';
  if (use === 'replayed') return text === '' ? undefined : NUMBER.test(text) ? 'number' : 'text';
  if (saysMissing(text) || isNotFinite(text)) return undefined;
  if (isCode(text)) return 'code';
  return toNumber(text) === null ? 'text' : 'number';
}

function kindOf({ number, boolean, text, code }: Looks, use: RowUse): ColumnKind {
  if (number > 0 && code === 0 && (use === 'counted' ? number >= boolean + text : boolean + text === 0)) return 'number';
  return boolean > 0 && number + text + code === 0 ? 'boolean' : 'text';
}

/**
 * Of rows that are replayed a column in which every value is a number holds numbers. Of rows that are counted one does in which most are: one `inf`, `NA` or `.5` would else make texts of all of them,
 * while production has numbers, and texts among those.
 */
export class CsvColumns {
  readonly #use: RowUse;
  readonly #looks = new Map<string, Looks>();
  #kinds: Map<string, ColumnKind> | undefined;

  constructor(use: RowUse) {
    this.#use = use;
  }

  /** All rows are seen before one is made. */
  see(record: Readonly<Record<string, string>>): void {
    for (const [column, text] of Object.entries(record)) {
      const look = lookOf(text, this.#use);
      if (look === undefined) continue;
      const looks = this.#looks.get(column) ?? { number: 0, boolean: 0, text: 0, code: 0 };
      looks[look] += 1;
      this.#looks.set(column, looks);
    }
  }

  rowOf(record: Readonly<Record<string, string>>): Row {
    this.#kinds ??= new Map(Array.from(this.#looks, ([column, looks]) => [column, kindOf(looks, this.#use)]));
    const kinds = this.#kinds;
    return Object.fromEntries(Object.entries(record).map(([column, text]) => [column, valueOf(text, kinds.get(column))]));
  }
}

function valueOf(text: string, kind: ColumnKind | undefined): Json {
  if (text === '' || kind === undefined) return null;
  if (kind === 'text') return text;
  if (kind === 'boolean') return TRUTH.test(text) ? text.toLowerCase() === 'true' : null;
  return toNumber(text) ?? (saysMissing(text) || isNotFinite(text) ? null : text);
}

import { plainLine } from '../base/words.ts';

const SPACE = /\s*/y;
const METRIC = /[a-zA-Z_:][\w:]*/y;
const LABEL = /[a-zA-Z_]\w*/y;
/** Prometheus unquotes as Go does: in backquotes nothing is an escape. */
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;
/** What is quoted, in which # begins nothing, or else a comment. */
const COMMENT = new RegExp(`(${QUOTED.source})|#[^\\n]*`, 'g');
const OPERATOR = /=~|!~|!=|=/y;
/** Words that are numbers. */
const NUMBER = /^(?:nan|inf)$/i;

/** Takes one piece of a text after the other. */
class Pieces {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What comes next, where it is this; it is behind us then. */
  take(pattern: RegExp): string | undefined {
    this.#skip(SPACE);
    return this.#skip(pattern);
  }

  get isAtEnd(): boolean {
    this.#skip(SPACE);
    return this.#at === this.#text.length;
  }

  #skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [piece] = pattern.exec(this.#text) ?? [];
    if (piece !== undefined) this.#at += piece.length;
    return piece;
  }
}

/** What stands in braces: `name="value"` and, since Prometheus 3, a metric's name in quotes. */
function takeMatchers(pieces: Pieces): boolean {
  while (pieces.take(/\}/y) === undefined) {
    const quoted = pieces.take(QUOTED);
    if (quoted === undefined && pieces.take(LABEL) === undefined) return false;
    const isMatched = pieces.take(OPERATOR) !== undefined;
    if (isMatched ? pieces.take(QUOTED) === undefined : quoted === undefined) return false;
    if (pieces.take(/,/y) === undefined) return pieces.take(/\}/y) !== undefined;
  }
  return true;
}

/** A query without its comments: what is put behind one, such as a range, would be a part of it, and a word in it is none of the query. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT, (_, quoted: string | undefined) => quoted ?? '').trim();
}

/** Whether PromQL takes a text without comments for the selector of an instant vector, to which a range can be put: `errors_total{arm="a"}`, `{__name__=~"errors.*"}`. */
export function isSelector(text: string): boolean {
  const pieces = new Pieces(text);
  const name = pieces.take(METRIC);
  if (name !== undefined && NUMBER.test(name)) return false;
  const hasBraces = pieces.take(/\{/y) !== undefined;
  return (name !== undefined || hasBraces) && (!hasBraces || takeMatchers(pieces)) && pieces.isAtEnd;
}

function isWrittenSelector(written: string): boolean {
  return isSelector(withoutComments(written).replaceAll('$arm', 'arm'));
}

/** What is wrong with a query beside the total of the same metric; with `$arm` and `$range`. */
export function mixProblem(total: string, written: string): string | undefined {
  if (isWrittenSelector(total) === isWrittenSelector(written)) return undefined;
  const [is, other] = isWrittenSelector(written) ? ['a plain selector', 'an expression'] : ['an expression', 'a plain selector'];
  return `is ${is} and total ${other}: a selector is counted as it is, an expression is extrapolated by the server and tells only windows that have ended, so the two do not fit together: write both in one way`;
}

/** What is wrong with a query that tells no counts; `written`: with `$range`, `$arm` may be replaced. */
export function queryProblem(written: string): string | undefined {
  const query = withoutComments(written);
  if (isWrittenSelector(written) || query.includes('$range')) return undefined;
  return `${plainLine(written, 150)} is no plain selector and has no $range, so it tells what counters have reached, not what they grew by in a window: write a selector, such as predictions_total{arm="$arm"}, or an expression of their growth, such as sum(increase(predictions_total{arm="$arm"}[$range]))`;
}

/** Bad events of a piece: fewer say little of a rate. */
const PIECE = 2;
/** The 1 % point of chi-squared with one degree of freedom. */
const CHANGED = 6.63;

/** Bad events of so many observations. */
export interface Counted {
  readonly bad: number;
  readonly count: number;
}

/**
 * Finds where a rate of bad events visibly changes: at the end of a piece of two or more, whose rate is not that of all pieces since the last change by the likelihood-ratio test of two Poisson rates at 1 %, G = 2 sum of observed times
 * ln (observed / expected) (Sokal and Rohlf, Biometry, chapter 17). One piece in a hundred is called a change by chance.
 */
export class RateChange {
  /** Of the pieces since the last change. */
  #since: Counted = { bad: 0, count: 0 };
  #piece: Counted = { bad: 0, count: 0 };

  /** Of intervals one after another. `open`: the piece goes on. */
  add(counted: Counted): 'open' | 'alike' | 'changed' {
    const piece = sum(this.#piece, counted);
    if (piece.bad < PIECE) {
      this.#piece = piece;
      return 'open';
    }
    const isChanged = this.#since.count > 0 && ratioStatistic(piece, this.#since) > CHANGED;
    this.#since = isChanged ? piece : sum(this.#since, piece);
    this.#piece = { bad: 0, count: 0 };
    return isChanged ? 'changed' : 'alike';
  }
}

function sum(a: Counted, b: Counted): Counted {
  return { bad: a.bad + b.bad, count: a.count + b.count };
}

/** G of two rates. */
function ratioStatistic(a: Counted, b: Counted): number {
  const { bad, count } = sum(a, b);
  const part = (own: Counted): number => (own.bad > 0 ? own.bad * Math.log((own.bad * count) / (bad * own.count)) : 0);
  return 2 * (part(a) + part(b));
}

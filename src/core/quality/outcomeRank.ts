/** Which of several outcomes of a prediction counts. */

/** The time of an outcome that stands in the record of its prediction. */
export const OWN = Number.NEGATIVE_INFINITY;

/** How an outcome is known, from what counts least. */
const [LATE, IN_PREDICTION, WITHOUT_TIME, IN_TIME] = [0, 1, 2, 3];

/** What an outcome tells, and when: milliseconds since 1970, NaN where it bears no time, or `OWN`. */
export interface TimedValue {
  readonly value: unknown;
  readonly at: number;
}

/** `limit`: up to when an outcome of the prediction is in time, in milliseconds since 1970. */
function rankOf(at: number, limit: number): number {
  if (at === OWN) return IN_PREDICTION;
  if (Number.isNaN(at)) return WITHOUT_TIME;
  return at <= limit ? IN_TIME : LATE;
}

export function isLate(at: number, limit: number): boolean {
  return rankOf(at, limit) === LATE;
}

/**
 * Whether what an outcome tells counts rather than what is known: the newest of those in time, where there is none the last that bears no time, then the one in the record of the prediction, then the first of the late ones.
 * Of two of one time, the greater by its text: the one as well as the other, but always the same.
 */
export function isBetterTold({ value, at }: TimedValue, { value: known, at: knownAt }: TimedValue, limit: number): boolean {
  const [rank, knownRank] = [rankOf(at, limit), rankOf(knownAt, limit)];
  if (rank !== knownRank) return rank > knownRank;
  const [text = '', knownText = ''] = [value, known].map(String);
  if (text === knownText) return rank === IN_TIME ? at > knownAt : rank === LATE && at < knownAt;
  if (at === knownAt) return text > knownText;
  return rank === WITHOUT_TIME || (rank === IN_TIME ? at > knownAt : at < knownAt);
}

import type { ToldOutcome } from './waitingPredictions.ts';

/** Of one request so many are kept: which of them counts is known only when its prediction is. */
export const MOST_OF_ONE = 8;

/** From when on up to but without when the last moment at which an outcome may come would have to be for one to count that was passed over, in milliseconds since 1970. */
export interface PassedOver {
  readonly from: number;
  readonly to: number;
}

const ANY: PassedOver = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

function fieldsOf({ outcome }: ToldOutcome): readonly string[] {
  return Object.keys(outcome).filter((field) => outcome[field] !== undefined);
}

/** Two of the same time as one, by the rule of `Outcomes`: of each field the greater text, or where neither bears a time, the later one. */
function merged(first: ToldOutcome, second: ToldOutcome): ToldOutcome {
  const isLater = (field: string): boolean => first.outcome[field] === undefined || Number.isNaN(first.at) || String(second.outcome[field]) > String(first.outcome[field]);
  return { at: first.at, outcome: { ...first.outcome, ...Object.fromEntries(fieldsOf(second).filter(isLater).map((field) => [field, second.outcome[field]])) } };
}

/** When the moment is for which an outcome counts: from its own time on until others have told all of its fields anew. Undefined where it is the first or the last to tell one: those count at most moments. */
function countsAt(sorted: readonly ToldOutcome[], place: number): PassedOver | undefined {
  const own = sorted[place];
  if (own === undefined) return undefined;
  let to = own.at;
  for (const field of fieldsOf(own)) {
    const tells = ({ outcome }: ToldOutcome): boolean => outcome[field] !== undefined;
    const next = sorted.slice(place + 1).find(tells);
    if (next === undefined || !sorted.slice(0, place).some(tells)) return undefined;
    to = Math.max(to, next.at);
  }
  return { from: own.at, to };
}

/**
 * One less of several outcomes of a request whose prediction is not known yet, in the order in which they came. Where two bear the same time, or none, nothing is lost; else `passed` says when the one counts that is passed over:
 * that which does so for the shortest time.
 */
export function withoutOne(all: readonly ToldOutcome[]): { readonly kept: readonly ToldOutcome[]; readonly passed?: PassedOver } {
  for (const [index, second] of all.entries()) {
    const first = all.findIndex(({ at }, place) => place < index && Object.is(at, second.at));
    const known = all[first];
    if (known !== undefined) return { kept: all.map((each, place) => (place === first ? merged(known, second) : each)).filter((_, place) => place !== index) };
  }
  const sorted = all.filter(({ at }) => !Number.isNaN(at)).sort((a, b) => a.at - b.at);
  let least: { readonly told: ToldOutcome | undefined; readonly passed: PassedOver } = { told: sorted[Math.floor(sorted.length / 2)], passed: ANY };
  for (const [place, told] of sorted.entries()) {
    const passed = countsAt(sorted, place);
    if (passed !== undefined && passed.to - passed.from < least.passed.to - least.passed.from) least = { told, passed };
  }
  return { kept: all.filter((each) => each !== least.told), passed: least.passed };
}

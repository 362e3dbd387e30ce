import { AppError } from '../../core/base/errors.ts';
import { DistinctCount } from '../../core/quality/distinct.ts';
import type { ReferenceColumns } from '../../core/quality/definitions.ts';
import { hash53 } from '../../core/quality/hashing.ts';
import type { Row } from '../../core/suites/model.ts';

/** What the rows of a reference are worth together. */
export interface Worth {
  readonly rows: number;
  readonly weight: number;
  /** How many independent rows of equal weight tell as much. */
  readonly units: number;
}

/**
 * What rows with weights and units are worth: (sum of w)^2 / (sum of w^2) (Kish, Survey sampling, 1965), w the weights of rows, or where rows have units, those of all rows of each. Undefined where they have neither.
 * @throws AppError validation when a row has no weight
 */
export async function worthOf(rows: AsyncIterable<Row>, path: string, { weight, unit }: ReferenceColumns): Promise<Worth | undefined> {
  if (weight === undefined && unit === undefined) return undefined;
  const units = new DistinctCount();
  let [count, sum, squares] = [0, 0, 0];
  for await (const row of rows) {
    count += 1;
    for (const column of [weight, unit]) if (column !== undefined && !Object.hasOwn(row, column)) throw new AppError('validation', `${path} has no column ${column}: correct drift.weight and drift.unit, or the reference.`);
    const own = weight === undefined ? 1 : row[weight];
    if (typeof own !== 'number' || !(own >= 0 && Number.isFinite(own))) throw new AppError('validation', `${path}, row ${count}: ${weight ?? ''} is ${JSON.stringify(own)}: a weight is a number that is not negative.`);
    sum += own;
    squares += own * own;
    if (unit !== undefined && own > 0) units.add(hash53(JSON.stringify(row[unit])), own);
  }
  if (count > 0 && sum === 0) throw new AppError('validation', `${path}: all weights are 0: correct drift.weight.`);
  return { rows: count, weight: sum, units: Math.min(sum * sum / squares || 0, unit === undefined ? Number.POSITIVE_INFINITY : units.effective) };
}

/**
 * Tells for one row after another how often it is counted: as its weight says on average, so that all together are about as many as they were. The fraction is rounded by chance (stochastic rounding),
 * the same for the same rows; rounded by what was left of the rows before, every tenth row could be one that is never counted.
 */
export function repeater({ weight }: ReferenceColumns, worth: Worth | undefined): (row: Row) => number {
  if (weight === undefined || worth === undefined) return () => 1;
  const scale = worth.rows / worth.weight;
  let state = 1;
  return (row) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(scale * Number(row[weight]) + state / 4294967296);
  };
}

/** A row without what these columns say of it. */
export function withoutColumns(row: Row, { weight, unit }: ReferenceColumns): Row {
  if (weight === undefined && unit === undefined) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== weight && name !== unit));
}

import type { Batch, BatchRows } from '../../core/quality/batch.ts';

/** Values that are mostly alike: each stands once in `values`, and by its place there in `places`. Undefined: none is anything. */
interface Packed {
  readonly places: Uint16Array;
  readonly values: readonly unknown[];
}

type Texts = 'labels' | 'errors' | 'outcomes' | 'versions' | 'slices';

/** Rows of a batch as they go from one thread to another. */
export interface PackedRows extends Omit<BatchRows, Texts | 'kept' | 'columns'> {
  readonly packed: Readonly<Record<Texts, Packed | undefined>>;
  readonly columns: readonly { readonly name: string; readonly numbers: Float64Array; readonly others: Packed | undefined }[];
}

function pack(values: readonly unknown[], size: number): Packed | undefined {
  const known = new Map<unknown, number>();
  const places = new Uint16Array(size);
  let last: unknown;
  let place = -1;
  for (let row = 0; row < size; row += 1) {
    const value = values[row];
    if (value !== last || place < 0) {
      last = value;
      place = known.get(value) ?? known.size;
      known.set(value, place);
    }
    places[row] = place;
  }
  return known.size === 1 && known.has(undefined) ? undefined : { places, values: [...known.keys()] };
}

/** The rows of a batch apart from it, without what is kept for outcomes; and the memory that is to be handed over with them. */
export function packRows(batch: Batch): { readonly rows: PackedRows; readonly memory: ArrayBuffer[] } {
  const { size, told, keys, columns, labels, errors, outcomes, versions, slices } = batch;
  const memory: ArrayBuffer[] = [];
  const own = <T extends Float64Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(array: T): T => {
    memory.push(array.buffer);
    return array;
  };
  const texts = (values: readonly unknown[]): Packed | undefined => pack(values, size);
  const rows: PackedRows = {
    size, told, keys, arms: own(batch.arms.slice(0, size)), flags: own(batch.flags.slice(0, size)),
    requests: own(batch.requests.slice(0, size)), units: own(batch.units.slice(0, size)), times: own(batch.times.slice(0, size)),
    latencyBins: own(batch.latencyBins.slice(0, size)), scoreBins: own(batch.scoreBins.slice(0, size)), scores: own(batch.scores.slice(0, size)), values: batch.values.map((values) => own(values.slice(0, size))),
    columns: columns.map(({ name, numbers, others }) => ({ name, numbers: own(numbers.slice(0, size)), others: texts(others) })),
    packed: { labels: texts(labels), errors: texts(errors), outcomes: texts(outcomes), versions: texts(versions), slices: texts(slices) },
  };
  return { rows, memory };
}

/** Gives rows from another thread. Their lists are used again for the next ones. */
export class RowUnpacker {
  readonly #none: undefined[] = [];
  readonly #lists = new Map<string, unknown[]>();

  unpack({ packed: { labels, errors, outcomes, versions, slices }, columns, ...rows }: PackedRows): BatchRows {
    const { size } = rows;
    const none = this.#none;
    while (none.length < size) none.push(undefined);
    return {
      ...rows,
      labels: this.#list('labels', labels, size), errors: this.#list('errors', errors, size), outcomes: this.#list('outcomes', outcomes, size), versions: this.#list('versions', versions, size),
      slices: this.#list('slices', slices, size) as BatchRows['slices'], kept: none,
      columns: columns.map(({ name, numbers, others }) => ({ name, numbers, others: this.#list(`column ${name}`, others, size) })),
    };
  }

  #list(name: string, packed: Packed | undefined, size: number): readonly unknown[] {
    if (packed === undefined) return this.#none;
    const list = this.#lists.get(name) ?? [];
    this.#lists.set(name, list);
    const { places, values } = packed;
    for (let row = 0; row < size; row += 1) list[row] = values[places[row] ?? 0];
    return list;
  }
}

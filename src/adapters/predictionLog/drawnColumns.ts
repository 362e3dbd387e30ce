import type { RecordLike } from '../../core/expressions/evaluate.ts';
import { hashOf, type Drawn } from '../../core/quality/stager.ts';
import { RecordTimes } from '../../core/quality/recordTimes.ts';
import { unitOf } from '../../core/quality/unnamed.ts';
import type { DrawnValues } from '../rows/parquetRows.ts';

/** Columns that only hashes are wanted of. */
export const IDS = ['request_id', 'unit_id', 'batch_id'];

/** Ids and the time of the row of a Parquet file that was taken last. */
export class DrawnColumns implements Drawn {
  readonly #times = new RecordTimes();
  #record: RecordLike = {};
  #hashed: DrawnValues | undefined;
  request = 0;
  unit = 0;
  time = Number.NaN;

  take(record: RecordLike, hashed: DrawnValues): void {
    const { hashes } = hashed;
    const request = hashes[0] ?? 0;
    const unit = hashes[1] ?? 0;
    const batch = hashes[2] ?? 0;
    this.#record = record;
    this.#hashed = hashed;
    this.request = Number.isNaN(request) ? hashOf(record['request_id']) : request;
    this.unit = unitOf(Number.isNaN(batch) ? hashOf(record['batch_id']) : batch, Number.isNaN(unit) ? hashOf(record['unit_id']) : unit);
    this.time = this.#times.of(record['ts']);
  }

  requestId(): string {
    const { request_id: id } = this.#record;
    return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? String(id) : this.#hashed?.text(IDS.indexOf('request_id')) ?? '';
  }
}

import { ColumnStager, type RowRun } from '../../core/quality/columnStager.ts';
import { parquetRecords, parquetRuns, type ParquetQuestion } from '../rows/parquetRows.ts';
import { DrawnColumns, IDS } from './drawnColumns.ts';
import type { Wanted } from './lineShape.ts';
import type { Staging } from './staging.ts';

/** What is asked of a Parquet file. */
export function parquetQuestion(path: string, { fields, features, asWritten }: Wanted, group?: number): ParquetQuestion {
  const columns = features === undefined ? [...fields] : [...[...fields].filter((name) => name !== 'features'), ...[...features].map((name) => `features.${name}`)];
  return { path, columns, ...(asWritten ? {} : { asMillis: ['ts'], hashed: IDS }), group };
}

/** Stages the records of a Parquet file, or of one of its row groups: by columns where that is possible, or else row by row. Answers how many there are. @throws AppError cancelled, validation */
export async function readParquet(path: string, wanted: Wanted, staging: Staging, signal: AbortSignal, { group, onRows }: Pick<ParquetQuestion, 'group' | 'onRows'> = {}): Promise<number> {
  const question = { ...parquetQuestion(path, wanted, group), onRows };
  let count = 0;
  if (wanted.listed !== undefined && !staging.stager.isLabelled) {
    const columns = new ColumnStager(staging.stager);
    const isRead = await parquetRuns(question, (name) => name.startsWith('features.'), (run) => {
      stageRun(columns, run, count, staging);
      count += run.count;
    }, signal);
    if (isRead) return count;
  }
  const drawn = new DrawnColumns();
  await parquetRecords(question, (record, hashed) => {
    if (!wanted.asWritten) drawn.take(record, hashed);
    staging.add(record, count, wanted.asWritten ? undefined : drawn);
    count += 1;
  }, signal);
  return count;
}

function stageRun(columns: ColumnStager, run: RowRun, before: number, staging: Staging): void {
  for (let row = 0; row < run.count;) {
    staging.room();
    row = columns.stage(run, row);
    if (!columns.isApart) continue;
    staging.apart(columns.record(run, row), before + row, columns.ids(run, row));
    row += 1;
  }
}

import { dirname, resolve } from 'node:path';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { dataProblems, type DataFacts } from '../../core/suites/columns.ts';
import { loadSuite, type Suite } from '../../core/suites/load.ts';
import type { DataContent } from '../../core/suites/schema.ts';
import type { Problem } from '../../core/workspace/source.ts';
import { columnsOfFile, formatOf } from '../rows/rows.ts';
import { suiteSignature } from './suiteFile.ts';

async function factsOf(path: string, data: DataContent, signal: AbortSignal): Promise<DataFacts> {
  if (data.rows !== undefined) return { columns: new Set(data.rows.flatMap((row) => Object.keys(row))), partial: false };
  const name = data.file ?? '';
  try {
    return await columnsOfFile(resolve(dirname(path), name), data.format ?? formatOf(name), name, signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled' || signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    return { columns: new Set(), partial: true, problem: error.message };
  }
}

/**
 * What is wrong with a suite, with places, without running it: its form and meaning, files that it names, columns that its data does not have.
 * `path`: where the text stands or will stand. @throws AppError cancelled
 */
export async function suiteProblems(path: string, text: string, signal: AbortSignal): Promise<{ readonly suite?: Suite; readonly problems: readonly Problem[] }> {
  const { suite, problems } = loadSuite(text);
  if (suite === undefined) return { problems };
  const facts = new Map<DataContent, DataFacts>();
  for (const { data } of suite.tests) if (data !== undefined && !facts.has(data)) facts.set(data, await factsOf(path, data, signal));
  const more = dataProblems(suite, (data) => facts.get(data));
  if (suite.signature !== undefined) {
    const wrong = await suiteSignature({ path }, suite.signature).then(() => undefined, (error: unknown) => toAppError(error).message);
    if (wrong !== undefined) more.push({ code: 'type', severity: 'error', message: wrong.replace(`${path}: `, ''), range: suite.source.valueRange(['signature']) });
  }
  return { suite, problems: [...problems, ...more].toSorted((a, b) => a.range.start.offset - b.range.start.offset) };
}

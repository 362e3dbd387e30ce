import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import type { Column } from '../../core/models/model.ts';
import { LARGEST_MLMODEL, readMlmodel } from '../../core/models/signature.ts';
import { loadSuite, type LoadedSuite, type Suite } from '../../core/suites/load.ts';
import type { Row } from '../../core/suites/model.ts';
import { LARGEST_SUITE, type DataContent } from '../../core/suites/schema.ts';
import { formatOf, readRows } from '../rows/rows.ts';

/** A suite with where it stands. */
export interface SuiteFile {
  /** As it was given, for people. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly loaded: LoadedSuite;
}

/** @throws AppError notFound, validation (too large) */
export async function readSuiteFile(path: string, name: string): Promise<SuiteFile> {
  const file = await stat(path).catch(() => undefined);
  if (file?.isFile() !== true) throw new AppError('notFound', `There is no suite ${name}.`);
  if (file.size > LARGEST_SUITE) throw new AppError('validation', `${name}: a suite of more than ${LARGEST_SUITE / 1024} kB is not read: put its rows into a file of their own.`);
  const text = await readFile(path, 'utf8');
  return { name, path, text, loaded: loadSuite(text) };
}

/** The rows of a suite's data; their file stands relative to the suite. */
export function suiteRows({ path }: Pick<SuiteFile, 'path'>): (data: DataContent, signal: AbortSignal) => AsyncIterable<Row> {
  return (data, signal) => {
    const name = data.file ?? '';
    return readRows(resolve(dirname(path), name), data.format ?? formatOf(name), name, signal);
  };
}

/** SHA-256 of a suite's text, and of all the data that its tests name; undefined where they name none. @throws AppError notFound */
export async function suiteDigests({ path, text }: Pick<SuiteFile, 'path' | 'text'>, suite: Suite, signal: AbortSignal): Promise<{ readonly suite: string; readonly data: string | undefined }> {
  const files = [...new Set(suite.tests.flatMap(({ data }) => data?.file ?? []))].toSorted();
  const hash = createHash('sha256');
  for (const name of files) {
    hash.update(`${name}\0`);
    const file = resolve(dirname(path), name);
    if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw new AppError('notFound', `${path}: there is no file ${name}.`);
    for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  }
  return { suite: `sha256:${createHash('sha256').update(text).digest('hex')}`, data: files.length === 0 ? undefined : `sha256:${hash.digest('hex')}` };
}

/** The columns of the `MLmodel` file that a suite names. @throws AppError validation */
export async function suiteSignature({ path }: Pick<SuiteFile, 'path'>, named: string): Promise<readonly Column[]> {
  const file = resolve(dirname(path), named);
  const facts = await stat(file).catch(() => undefined);
  if (facts?.isFile() !== true || facts.size > LARGEST_MLMODEL) throw new AppError('validation', `${path}: signature names ${named}, which is no MLmodel file.`);
  const { signature } = readMlmodel(await readFile(file, 'utf8'));
  if (signature.kind !== 'known') throw new AppError('validation', `${path}: signature names ${named}: ${signature.reason}`);
  return signature.inputs ?? [];
}

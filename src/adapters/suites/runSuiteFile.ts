import { AppError } from '../../core/base/errors.ts';
import type { Column } from '../../core/models/model.ts';
import type { Arm, Suite } from '../../core/suites/load.ts';
import type { RunReport } from '../../core/suites/report.ts';
import { runSuite, type RunEvent } from '../../core/suites/runner.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { Subject } from '../../core/suites/subject.ts';
import { suiteDigests, suiteRows, suiteSignature, type SuiteFile } from './suiteFile.ts';
import type { SuiteModel } from './suiteModel.ts';
import { openSubject, type SubjectContext } from './subjects.ts';

export interface SuiteFileRun {
  readonly file: SuiteFile;
  readonly suite: Suite;
  readonly model: SuiteModel;
  /** The one that is tested first. */
  readonly subjects: readonly { readonly arm: Arm; readonly content: SubjectContent }[];
  /** Only these tests; all without it. */
  readonly only?: ReadonlySet<string> | undefined;
  readonly context: Omit<SubjectContext, 'registered'>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/** The subject of one arm. @throws AppError validation naming what the suite has to say */
export function subjectOf(suite: Pick<Suite, 'subjects'>, arm: Arm, file: string): { readonly arm: Arm; readonly content: SubjectContent } {
  const content = suite.subjects[arm];
  if (content === undefined) throw new AppError('validation', `${file} names no ${arm} subject: write subject: {candidate: {...}, current: {...}}, or subject: {registry: candidate}, which stands for both.`);
  return { arm, content };
}

/** The model's columns where the suite needs them: its own word first, then the registry's. */
async function columnsOf(file: SuiteFile, suite: Suite, model: SuiteModel, arm: Arm): Promise<readonly Column[] | undefined> {
  if (suite.signature !== undefined) return suiteSignature(file, suite.signature);
  const isNeeded = suite.tests.some(({ content }) => content.kind === 'boundary' && content.generate === 'from_signature');
  if (!model.isMapped || (!isNeeded && suite.subjects[arm]?.registry === undefined)) return undefined;
  const { signature } = await model.version(arm);
  if (signature.kind !== 'known' && isNeeded) throw new AppError('validation', `${file.name}: ${signature.reason} Name its MLmodel file under signature, or write generate: from_data.`);
  return signature.kind === 'known' ? signature.inputs : undefined;
}

/**
 * Runs a suite's file against its subjects: what is started is ended again, whatever happens.
 * @throws AppError what cannot be run says why; cancelled
 */
export async function runSuiteFile({ file, suite, model, subjects: chosen, only, context, signal, onEvent }: SuiteFileRun): Promise<RunReport> {
  const subjects: { readonly arm: Arm; readonly subject: Subject }[] = [];
  try {
    for (const { arm, content } of chosen) subjects.push({ arm, subject: await openSubject(content, { ...context, registered: (side) => model.served(side) }) });
    const digests = await suiteDigests(file, suite, signal);
    const columns = await columnsOf(file, suite, model, chosen[0]?.arm ?? 'candidate');
    return await runSuite({
      file: file.name, digest: digests.suite, dataDigest: digests.data, suite, subjects, rowsOf: suiteRows(file), columns, signal,
      ...(only === undefined ? {} : { only }),
      now: () => Date.now(), ms: () => performance.now(), onEvent,
    });
  } finally {
    await Promise.all(subjects.map(({ subject }) => subject.close()));
  }
}

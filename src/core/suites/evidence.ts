import type { SuiteEvidence } from '../models/evidence.ts';
import { countsAs, type Outcome, type SuiteReport } from './report.ts';

/** What a run says about one version, for the registry. */
export function evidenceOf({ file, digest, data, subject, version, seed, startedAt, tests, verdict }: SuiteReport): SuiteEvidence {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome && test.waived === undefined).length;
  const blocking = tests.filter((test) => countsAs(test) === 'failed').map(({ id }) => id);
  return {
    outcome: verdict, suite: file, digest, subject, seed, verified: version.kind === 'established', at: new Date(startedAt).toISOString(),
    ...(data === undefined ? {} : { data }),
    ...(version.kind === 'established' ? { version: version.version } : {}),
    tests: { passed: count('passed'), failed: count('failed'), errors: count('error'), inconclusive: count('inconclusive'), waived: tests.filter(({ waived }) => waived !== undefined).length },
    ...(blocking.length === 0 ? {} : { blocking }),
  };
}

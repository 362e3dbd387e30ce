import { plainLine } from '../base/words.ts';
import { versionWords } from '../flags/titles.ts';
import { suiteEvidence, type SuiteEvidence } from '../models/evidence.ts';
import type { VersionDetail } from '../models/model.ts';
import { countsAs, type Outcome, type SuiteReport } from './report.ts';

/** What a run says about one version, for the registry. */
export function evidenceOf({ file, digest, data, subject, version, seed, startedAt, tests, verdict }: SuiteReport): SuiteEvidence {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome && test.waived === undefined).length;
  const blocking = tests.filter((test) => countsAs(test) === 'failed').map(({ id }) => id);
  const [waivedUntil] = tests.flatMap(({ waived, severity }) => (waived === undefined || severity === 'warn' ? [] : [waived.until])).toSorted();
  return {
    outcome: verdict, suite: file, digest, subject, seed, verified: version.kind === 'established', at: new Date(startedAt).toISOString(),
    ...(data === undefined ? {} : { data }),
    ...(version.kind === 'established' ? { version: version.version } : {}),
    tests: { passed: count('passed'), failed: count('failed'), errors: count('error'), inconclusive: count('inconclusive'), waived: tests.filter(({ waived }) => waived !== undefined).length },
    ...(blocking.length === 0 ? {} : { blocking }),
    ...(waivedUntil === undefined ? {} : { waived_until: waivedUntil }),
  };
}

/** A suite as it stands beside the code now: what evidence of it has to be about. */
export interface SuiteOnDisk {
  /** Relative to the folder of `modelswitch.yaml`, with forward slashes. */
  readonly path: string;
  /** `sha256:` of its text, and of all the data that it names; undefined where it names none. */
  readonly digest?: string;
  readonly data?: string | undefined;
  /** Why it cannot be run as it is, as a sentence. */
  readonly problem?: string;
}

/** What evidence says to a promotion. `unverified`: it passed, and nobody knows for sure which version answered. */
export interface EvidenceFinding {
  readonly state: 'passed' | 'unverified' | 'refused';
  /** A sentence that names suite and version. */
  readonly words: string;
}

/** The registry's clock and that of whoever ran the suite may differ by so much. */
const CLOCKS_APART_MS = 5 * 60_000;

/**
 * What the registry's evidence of one suite says about one version now. Only the version's own tags count: those of its run may stand at
 * other versions, too. `now` in milliseconds since the epoch.
 */
export function judgeEvidence(suite: SuiteOnDisk, detail: VersionDetail, now: number): EvidenceFinding {
  const path = plainLine(suite.path, 120);
  const version = plainLine(versionWords(detail.version), 40);
  const refused = (words: string, mend = 'run it again'): EvidenceFinding => ({ state: 'refused', words: `${path} ${words}: ${mend}.` });
  if (suite.problem !== undefined) return { state: 'refused', words: `${path} cannot be run: ${plainLine(suite.problem, 200)}` };
  const evidence = suiteEvidence(detail.tags).filter((each) => each.suite === suite.path).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  if (evidence === undefined) return refused(`was not run against ${version}`, 'run it');
  const at = Date.parse(evidence.at);
  if (evidence.version !== undefined && evidence.version !== detail.version) return refused(`was run against ${plainLine(versionWords(evidence.version), 40)}, not ${version}`);
  if (evidence.digest !== suite.digest) return refused(`changed since it was run against ${version}`);
  if (evidence.data !== suite.data) return refused(`was run against ${version} with other data`);
  if (Number.isNaN(at)) return refused(`was run against ${version}, and its evidence does not say when`);
  if (detail.createdAt !== undefined && at + CLOCKS_APART_MS < detail.createdAt) return refused(`was run before ${version} was registered`);
  if (evidence.outcome === 'failed') return refused(`failed against ${version}${evidence.blocking === undefined ? '' : ` (${plainLine(evidence.blocking.slice(0, 5).join(', '), 120)})`}`, 'look at what it says of the model');
  if (evidence.outcome !== 'passed') return refused(`has no verdict about ${version} (${evidence.outcome})`);
  if (evidence.waived_until !== undefined && new Date(now).toISOString().slice(0, 10) > evidence.waived_until) return refused(`passed against ${version} with a waiver that ended on ${plainLine(evidence.waived_until, 10)}`);
  return evidence.verified ? { state: 'passed', words: `${path} passed against ${version}.` } : { state: 'unverified', words: `${path} passed against ${version} as modelswitch.yaml names it; which version answered was not established.` };
}

import * as z from 'zod';
import { plainLine } from '../base/words.ts';
import type { Facts } from './model.ts';

/** Keys of tags that Modelswitch writes to versions, or that training sets for it to read, begin with this. */
export const TAG_PREFIX = 'modelswitch.';

/** What a version needs, and what its files are: facts, not evidence of anything. */
const NO_EVIDENCE = /^modelswitch\.(needs|artifact)\./;
const MOST_BADGES = 3;

/** The tags that are for Modelswitch. */
export function modelswitchTags(tags: Facts): Facts {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith(TAG_PREFIX)));
}

const SUITE_PREFIX = `${TAG_PREFIX}suite.`;

const suiteEvidenceSchema = z.object({
  outcome: z.enum(['passed', 'failed', 'error', 'inconclusive']),
  suite: z.string(),
  digest: z.string(),
  data: z.string().optional(),
  subject: z.string(),
  version: z.string().optional(),
  verified: z.boolean(),
  seed: z.string(),
  at: z.string(),
  tests: z.object({ passed: z.number(), failed: z.number(), errors: z.number(), inconclusive: z.number(), waived: z.number() }),
  /** Blocking tests that failed. */
  blocking: z.array(z.string()).optional(),
  /** The day on which the first waiver ends that let a failure of this run pass. */
  waived_until: z.string().optional(),
});

/** What a suite said about one version, as it stands at that version in the registry. */
export type SuiteEvidence = z.output<typeof suiteEvidenceSchema>;

/** The tag of a suite's evidence: registries take letters, digits and `_-./`, at most 250. */
export function suiteEvidenceTag(suite: string): string {
  return `${SUITE_PREFIX}${suite.replace(/\.mltest\.yaml$/, '').replace(/[^\w./-]+/g, '_').slice(-200)}`;
}

/** Evidence as the value of a tag: one line of JSON, far below the 5000 characters that MLflow takes. */
export function suiteEvidenceText(evidence: SuiteEvidence): string {
  return JSON.stringify({ ...evidence, ...(evidence.blocking === undefined ? {} : { blocking: evidence.blocking.slice(0, 20) }) });
}

/** The evidence of suites among a version's tags; what cannot be read is left out, for anybody may write tags. */
export function suiteEvidence(tags: Facts): SuiteEvidence[] {
  return Object.entries(tags).flatMap(([key, text]) => {
    if (!key.startsWith(SUITE_PREFIX)) return [];
    try {
      const read = suiteEvidenceSchema.safeParse(JSON.parse(text));
      return read.success ? [read.data] : [];
    } catch {
      return [];
    }
  });
}

/** What was found out about a version, from its tags, by name: `{'suite.tests/fraud': 'passed', 'eval': 'ok'}`. */
export function evidenceOf(tags: Facts): Facts {
  const suites = new Map(Object.keys(tags).flatMap((key) => suiteEvidence({ [key]: tags[key] ?? '' }).map((evidence) => [key, suiteWords(evidence)] as const)));
  const found = Object.entries(modelswitchTags(tags)).filter(([key]) => !NO_EVIDENCE.test(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(found.map(([key, value]): [string, string] => [key.slice(TAG_PREFIX.length), suites.get(key) ?? value]));
}

/** `passed`, `failed 2 of 14 (unverified)`: whether it is known which version answered belongs to it. */
function suiteWords({ outcome, verified, tests }: SuiteEvidence): string {
  const all = Object.values(tests).reduce((sum, count) => sum + count, 0);
  return `${outcome}${tests.failed > 0 ? ` ${tests.failed} of ${all}` : ''}${verified ? '' : ' (unverified)'}`;
}

/** The same in a few words each, paths by their last part: `suite.fraud passed`; what is beyond three is counted. */
export function evidenceBadges(tags: Facts): string[] {
  const badges = Object.entries(evidenceOf(tags)).map(([name, value]) => plainLine(`${name.replace(/^suite\..*\//, 'suite.')} ${value}`, 48));
  return badges.length > MOST_BADGES ? [...badges.slice(0, MOST_BADGES), `${badges.length - MOST_BADGES} more`] : badges;
}

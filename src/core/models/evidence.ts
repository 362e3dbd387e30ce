import * as z from 'zod';
import type { Facts } from './model.ts';

/** Keys of tags that Modelswitch writes to versions, or that training sets for it to read, begin with this. */
export const TAG_PREFIX = 'modelswitch.';

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

import { parseDocument } from 'yaml';
import * as z from 'zod';
import type { Problem } from '../workspace/source.ts';
import { parsePipelineText } from './pipelineText.ts';
import type { LineageData } from './lineage.ts';
import type { Signature, VersionDetail } from './model.ts';

/** What of a version is held fast. A digest is `sha256:` and lower-case hexadecimal; what is not known is left out. */
export interface LockedVersion {
  readonly version: string;
  readonly run?: string;
  /** Of the model's files. */
  readonly artifact?: string;
  /** Of the paths and hashes of all data that went into it. */
  readonly data?: string;
  /** Of its input and output columns and parameters. */
  readonly signature?: string;
}

export interface LockedModel {
  /** Its name in the registry. */
  readonly registered: string;
  readonly current?: LockedVersion;
  readonly candidate?: LockedVersion;
  /** Digest of the names and contents of its suites. */
  readonly suites?: string;
}

/** `modelswitch.lock`: which versions, data, signatures and suites belong to which state of the application. */
export interface Bundle {
  /** The commit of the application; undefined outside of a git repository. */
  readonly application?: string;
  readonly models: Readonly<Record<string, LockedModel>>;
}

export const LOCK_FILE = 'modelswitch.lock';

/** SHA-256 of a text in UTF-8, lower-case hexadecimal. */
export type Sha256 = (text: string) => string;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: 'is no digest' }).optional();
const version = z.looseObject({ version: z.string(), run: z.string().optional(), artifact: digest, data: digest, signature: digest });
const lockSchema = z.looseObject({
  version: z.literal(1),
  application: z.string().regex(/^[0-9a-f]{7,64}$/, { error: 'is no commit id' }).optional(),
  models: z.record(z.string(), z.looseObject({ registered: z.string(), current: version.optional(), candidate: version.optional(), suites: digest })),
});

/** Reads a lock; without an error in `problems` there is a bundle. */
export function readLock(text: string): { readonly bundle?: Bundle; readonly problems: readonly Problem[] } {
  const parsed = parsePipelineText(text, LOCK_FILE, 'run `modelswitch lock`');
  if (!('source' in parsed)) return { problems: parsed.problems };
  const checked = lockSchema.safeParse(parsed.source.document.toJS({ maxAliasCount: 1 }));
  if (checked.success) return { bundle: { ...(checked.data.application === undefined ? {} : { application: checked.data.application }), models: checked.data.models as Bundle['models'] }, problems: parsed.problems };
  const [issue] = checked.error.issues;
  const path = (issue?.path ?? []).map(String);
  const message = `${LOCK_FILE} is not one of this version (${path.join('.')}): run \`modelswitch lock\` to write it anew.`;
  return { problems: [{ code: 'type', severity: 'error', message, range: parsed.source.keyRange(path) }] };
}

/** The text of a lock: the same for the same bundle. */
export function lockText({ application, models }: Bundle): string {
  const names = Object.keys(models).sort();
  const document = parseDocument('');
  document.contents = document.createNode({
    version: 1,
    ...(application === undefined ? {} : { application }),
    models: Object.fromEntries(names.map((name) => [name, models[name]])),
  }) as typeof document.contents;
  return `# Written by \`modelswitch lock\`, checked by \`modelswitch check\`. Commit it, do not edit it.\n${document.toString({ lineWidth: 0 })}`;
}

/** What a lock says of one version. */
export function lockVersion(detail: VersionDetail, data: readonly LineageData[], sha256: Sha256): LockedVersion {
  const hashed = data.filter(({ hash, producedBy }) => hash !== undefined && producedBy === undefined).map(({ path, hash }) => `${path} ${hash ?? ''}`);
  const lines = hashed.length > 0 ? hashed : detail.datasets.filter((each) => each.digest !== '').map((each) => `${each.name} ${each.digest}`);
  const run = detail.run?.id ?? detail.runId;
  return {
    version: detail.version,
    ...(run === undefined ? {} : { run }),
    ...(detail.artifact?.sha256 === undefined ? {} : { artifact: `sha256:${detail.artifact.sha256}` }),
    ...(lines.length === 0 ? {} : { data: digestOf(lines, sha256) }),
    ...(detail.signature.kind === 'known' ? { signature: `sha256:${sha256(signatureText(detail.signature))}` } : {}),
  };
}

/** A digest of lines that their order does not change. */
export function digestOf(lines: readonly string[], sha256: Sha256): string {
  return `sha256:${sha256(`${[...new Set(lines)].sort().join('\n')}\n`)}`;
}

/** A signature as JSON with its keys in order, so that equal signatures are equal texts. */
function signatureText({ inputs, outputs, params }: Signature): string {
  return JSON.stringify({ inputs: inputs ?? null, outputs: outputs ?? null, params: params ?? null }, (_, value: unknown) => (
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value
  ));
}

export interface LockFinding {
  /** `error`: what is deployed is not what was locked; `warning`: the application moved on. */
  readonly severity: 'error' | 'warning';
  readonly model?: string;
  readonly part: 'model' | 'version' | 'run' | 'artifact' | 'data' | 'signature' | 'suites' | 'application';
  readonly message: string;
}

/** How the application differs from the commit of the lock. */
export interface ApplicationChange {
  /** Files other than the lock itself, between the locked commit and HEAD. */
  readonly files: readonly string[];
  /** A sentence, when it cannot be told. */
  readonly unknown?: string;
}

const ROLES = ['current', 'candidate'] as const;
const PARTS = ['version', 'run', 'artifact', 'data', 'signature'] as const;
const MEND = 'Run `modelswitch lock` if this is meant.';

/** What is no longer as it was locked; empty when all is. */
export function checkLock(locked: Bundle, now: Bundle, application: ApplicationChange): LockFinding[] {
  const findings: LockFinding[] = [];
  for (const name of [...new Set([...Object.keys(locked.models), ...Object.keys(now.models)])].sort()) {
    const [then, today] = [locked.models[name], now.models[name]];
    if (then === undefined || today === undefined) {
      findings.push({ severity: 'error', model: name, part: 'model', message: `${name} is ${then === undefined ? `not in ${LOCK_FILE}` : `in ${LOCK_FILE}, but not in modelswitch.yaml`}. ${MEND}` });
      continue;
    }
    if (then.registered !== today.registered) findings.push({ severity: 'error', model: name, part: 'model', message: `${name}: registered model ${then.registered} -> ${today.registered}. ${MEND}` });
    for (const role of ROLES) findings.push(...roleFindings(name, role, then[role], today[role]));
    if (then.suites !== today.suites) findings.push({ severity: 'error', model: name, part: 'suites', message: `${name}: its suites are not those of the lock. ${MEND}` });
  }
  const [first] = application.files;
  if (application.unknown !== undefined) findings.push({ severity: 'warning', part: 'application', message: application.unknown });
  else if (first !== undefined) findings.push({ severity: 'warning', part: 'application', message: `The application has changed since it was locked: ${first}${application.files.length > 1 ? ` and ${application.files.length - 1} more` : ''}.` });
  return findings;
}

function roleFindings(model: string, role: (typeof ROLES)[number], then: LockedVersion | undefined, now: LockedVersion | undefined): LockFinding[] {
  if (then?.version !== now?.version) return [{ severity: 'error', model, part: 'version', message: `${model}: ${role} version ${then?.version ?? 'none'} -> ${now?.version ?? 'none'}. ${MEND}` }];
  return PARTS.flatMap((part): LockFinding[] => {
    if (then?.[part] === now?.[part]) return [];
    const what = now?.[part] === undefined ? 'is not known any more' : then?.[part] === undefined ? 'is known now' : 'is another one';
    return [{ severity: 'error', model, part, message: `${model}: the ${part} of ${role} version ${then?.version ?? ''} ${what}. ${MEND}` }];
  });
}

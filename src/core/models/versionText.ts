import { stringify } from 'yaml';
import { plainLine, utcTime } from '../base/words.ts';
import { evidenceOf } from './evidence.ts';
import type { Lineage } from './lineage.ts';
import type { Column, Facts, Run, SignatureState, VersionDetail } from './model.ts';
import { typeWords } from './typeLattice.ts';

/** What a page about a version shows beside what its registry says. */
export interface VersionPage {
  /** Where it was read. */
  readonly registry: string;
  /** Pages of the registry's own interface. */
  readonly links: { readonly version?: string; readonly run?: string; readonly experiment?: string };
  /** Where it is out, a sentence each. */
  readonly out: readonly string[];
  readonly lineage?: Lineage | undefined;
  /** Sentences about what the repository could not tell. */
  readonly gaps: readonly string[];
}

type Content = Readonly<Record<string, unknown>>;

const LONGEST_VALUE = 4000;

/** One version as YAML, in the order in which one asks. What a version does not have is left out; what could not be read is under `gaps`. */
export function versionText(detail: VersionDetail, page: VersionPage): string {
  const { model, version, aliases, status, description, run, code, datasets, signature, artifact, tags, user, createdAt } = detail;
  const { lineage } = page;
  const commit = lineage?.commit?.kind === 'known' ? lineage.commit.commit : undefined;
  return yaml({
    model, version, registry: page.registry, page: page.links.version,
    aliases, status, description, registered: whenAndWho(createdAt, user), out: page.out,
    run: run === undefined ? detail.runId : runContent(run, page.links),
    code: {
      ...code,
      ...(commit === undefined ? {} : { subject: commit.subject, behind_head: `${commit.behind} ${commit.behind === 1 ? 'commit' : 'commits'}${commit.ahead > 0 ? `, ${commit.ahead} beside it` : ''}` }),
    },
    data: datasets.map(({ name, digest, context, source, sourceType }) => ({ name, used_for: context, digest, source, source_type: sourceType })),
    lineage: lineage === undefined ? undefined : lineageContent(lineage),
    parameters: sorted(detail.params), metrics: sorted(detail.metrics), signature: signatureContent(signature),
    artifact: artifact === undefined ? undefined : { uri: artifact.uri, size: artifact.sizeBytes === undefined ? undefined : `${artifact.sizeBytes} bytes`, sha256: artifact.sha256 },
    evidence: evidenceOf(detail.evidence), tags: sorted(tags), gaps: [...detail.gaps, ...page.gaps],
  });
}

/** What two versions are compared by: the same parts in the same order for each, names sorted, so that a line differs only where a fact does. */
export function comparisonText({ params, metrics, datasets, signature, code, artifact }: VersionDetail): string {
  const named = datasets.map(({ name, context, digest, source }) => [context === undefined ? name : `${name} (${context})`, { digest, source }] as const);
  return yaml({
    parameters: sorted(params), metrics: sorted(metrics), data: sorted(Object.fromEntries(named)), signature: signatureContent(signature), code: { ...code },
    artifact: artifact === undefined ? undefined : { size: artifact.sizeBytes === undefined ? undefined : `${artifact.sizeBytes} bytes`, sha256: artifact.sha256 },
  }, true);
}

function runContent(run: Run, links: VersionPage['links']): Content {
  const { id, name, experiment, status, deleted, startedAt, endedAt, user } = run;
  return {
    name, id, page: links.run, status: deleted ? `${status}, deleted` : status,
    experiment: experiment === undefined ? undefined : { name: experiment.name, id: experiment.id, page: links.experiment },
    started: whenAndWho(startedAt, user),
    took: startedAt === undefined || endedAt === undefined ? undefined : `${Math.round((endedAt - startedAt) / 1000)} s`,
  };
}

function lineageContent({ verdict, reasons, lockedAt, stages, data, parameters, code }: Lineage): Content {
  const changed = <T extends { readonly state: string }>(items: readonly T[], words: (item: T) => string): string[] => items.filter(({ state }) => state !== 'same').map(words);
  return {
    verdict, reasons, stages,
    data: data.filter(({ state }) => state !== 'unknown').map(({ path, hash, state, now, changedSince }) => ({ path, hash, state: `${state}${since(changedSince)}`, now })),
    parameters: changed(parameters, ({ name, then, now, state }) => `${name}: ${then} -> ${now ?? state}`),
    code: changed(code, ({ path, state, changedSince }) => `${path}: ${state}${since(changedSince)}`),
    locked_at: lockedAt,
  };
}

/** @param changedSince a commit, or `uncommitted` */
function since(changedSince: string | undefined): string {
  if (changedSince === undefined) return '';
  return changedSince === 'uncommitted' ? ', not committed' : ` since ${changedSince.slice(0, 10)}`;
}

function signatureContent(signature: SignatureState): unknown {
  if (signature.kind !== 'known') return `${signature.kind}${signature.reason === '' ? '' : `: ${signature.reason}`}`;
  const { inputs, outputs, params } = signature;
  return {
    inputs: columns(inputs), outputs: columns(outputs),
    params: params === undefined ? undefined : Object.fromEntries(params.map(({ name, type, default: value }) => [name, `${typeWords(type)}, default ${JSON.stringify(value)}`])),
  };
}

function columns(found: readonly Column[] | undefined): Content | undefined {
  return found === undefined ? undefined : Object.fromEntries(found.map(({ name, type, required }, index) => [name ?? `#${index + 1}`, `${typeWords(type)}${required ? '' : ', optional'}`]));
}

function sorted<T>(facts: Readonly<Record<string, T>> | Facts): Content {
  return Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function whenAndWho(at: number | undefined, user: string | undefined): string | undefined {
  const parts = [at === undefined ? '' : utcTime(at), user === undefined || user === '' ? '' : `by ${user}`].filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join(' ');
}

/** @param all sections without content are written too, so that two texts have the same ones */
function yaml(content: Content, all = false): string {
  const sections = Object.entries(content).flatMap(([name, value]) => {
    const cleaned = clean(value);
    if (cleaned !== undefined) return [stringify({ [name]: cleaned }, { lineWidth: 0, aliasDuplicateObjects: false })];
    return all ? [`${name}: none\n`] : [];
  });
  return sections.join(all ? '\n' : '');
}

/** Outsiders' text for a document: nothing hidden or reordered in it. Without what is empty; undefined when nothing is left. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? undefined : plainLine(value, LONGEST_VALUE);
  if (Array.isArray(value)) {
    const items = value.map(clean).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const entries = Object.entries(value).map(([key, item]) => [plainLine(key, 300), clean(item)] as const).filter(([, item]) => item !== undefined);
  return entries.length === 0 ? undefined : new Map(entries);
}

import { plainLine } from '../base/words.ts';
import type { SourceRange } from '../workspace/source.ts';
import type { ContractField, FeatureContract } from './contract.ts';
import { behindWords, reachOf, type ProvidedFeatures } from './featureFlags.ts';
import { TAG_PREFIX } from './evidence.ts';
import type { Column, Facts, Signature, VersionDetail } from './model.ts';
import { fit, typeWords } from './typeLattice.ts';

export type Verdict = 'compatible' | 'needs application' | 'needs features' | 'incompatible' | 'unknown';

/** `note`: something that was not checked but does not stand against the version. */
export interface CompatibilityReason {
  readonly verdict: Exclude<Verdict, 'compatible'> | 'note';
  readonly message: string;
  /** The line of the contract that it is about. */
  readonly range: SourceRange;
}

export interface Compatibility {
  readonly verdict: Verdict;
  /** The verdict in one line: `needs application >= 2.4`, `incompatible: column visits is missing`. */
  readonly summary: string;
  readonly reasons: readonly CompatibilityReason[];
}

/** Tags by which a version says what it needs: `modelswitch.needs.application: 2.4`, `modelswitch.needs.features.transactions: v3`. */
const NEEDS_APPLICATION = `${TAG_PREFIX}needs.application`;
const NEEDS_FEATURES = `${TAG_PREFIX}needs.features.`;

/** In the order in which they are told: an older application explains its missing columns. */
const ORDER: readonly CompatibilityReason['verdict'][] = ['needs application', 'needs features', 'incompatible', 'unknown', 'note'];

/**
 * Whether an application that keeps to the contract can use a version. A version without a signature is `unknown`, never compatible.
 * @param provided versions of sources that are behind flags of their own: a source@version of the contract that is among them is there only where its flag is on
 */
export function checkCompatibility(contract: FeatureContract, version: Pick<VersionDetail, 'signature' | 'evidence'>, provided: readonly ProvidedFeatures[] = []): Compatibility {
  const reasons = [
    ...applicationReasons(contract, version.evidence),
    ...featureReasons(contract, version.evidence, provided),
    ...signatureReasons(contract, version.signature),
    ...columnReasons(contract, version.signature, provided),
  ].toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  const first = reasons.find(({ verdict }) => verdict !== 'note');
  if (first === undefined || first.verdict === 'note') return { verdict: 'compatible', summary: 'compatible', reasons };
  const summary = first.verdict === 'needs application' || first.verdict === 'needs features' ? first.message : `${first.verdict}: ${first.message}`;
  return { verdict: first.verdict, summary, reasons };
}

function applicationReasons({ application, range }: FeatureContract, needs: Facts): CompatibilityReason[] {
  const needed = needs[NEEDS_APPLICATION]?.replace(/^\s*>=\s*/, '').trim() ?? '';
  if (needed === '') return [];
  const words = `needs application >= ${plainLine(needed)}`;
  if (application === undefined) return [{ verdict: 'unknown', message: `${words}, and the contract does not say which version the application has`, range }];
  const order = compareVersions(application.version, needed);
  if (order === undefined) return [{ verdict: 'unknown', message: `${words}, which cannot be compared with ${application.version}`, range: application.range }];
  return order >= 0 ? [] : [{ verdict: 'needs application', message: `${words}, the contract is of ${application.version}`, range: application.range }];
}

/** Types cannot tell that a transformation changed, so versions of sources must be the same. */
function featureReasons({ features, range }: FeatureContract, needs: Facts, behindFlags: readonly ProvidedFeatures[]): CompatibilityReason[] {
  const needed = new Map(Object.entries(needs).filter(([key]) => key.startsWith(NEEDS_FEATURES)).map(([key, version]) => [key.slice(NEEDS_FEATURES.length), version.trim()]));
  const reasons: CompatibilityReason[] = [];
  for (const [source, version] of needed) {
    const words = `needs features ${plainLine(source)}@${plainLine(version)}`;
    const provided = features.filter((feature) => feature.source?.name === source);
    const sets = behindFlags.filter((each) => each.source === source);
    const own = sets.find((each) => each.version === version);
    if (own !== undefined) {
      if (reachOf(own) !== 'all') reasons.push({ verdict: reachOf(own) === 'unknown' ? 'unknown' : 'needs features', message: `${words}: ${behindWords(own)}`, range: provided[0]?.range ?? range });
      continue;
    }
    // Where another version took its place, it is not there any more.
    const replacing = sets.find((each) => reachOf(each) !== 'none');
    if (replacing !== undefined && provided.some((feature) => feature.source?.version === version)) {
      reasons.push({ verdict: reachOf(replacing) === 'unknown' ? 'unknown' : 'needs features', message: `${words}, which gives way to ${plainLine(source)}@${plainLine(replacing.version)} ${behindWords(replacing)}`, range: provided[0]?.range ?? range });
      continue;
    }
    if (provided.length === 0) reasons.push({ verdict: 'needs features', message: `${words}, and no feature of the contract comes from ${plainLine(source)}`, range });
    for (const { name, source: origin, range: place } of provided) {
      if (origin?.version === undefined) reasons.push({ verdict: 'unknown', message: `${words}, and the contract does not say which version ${name} has`, range: place });
      else if (origin.version !== version) reasons.push({ verdict: 'needs features', message: `${words}, the contract has ${name} from ${source}@${origin.version}`, range: place });
    }
  }
  for (const source of new Set(features.flatMap((feature) => (feature.source?.version === undefined || needed.has(feature.source.name) ? [] : [feature.source.name])))) {
    const first = features.find((feature) => feature.source?.name === source);
    reasons.push({ verdict: 'note', message: `not checked: the version does not say which ${source} it was trained with (tag ${NEEDS_FEATURES}${source})`, range: first?.range ?? range });
  }
  return reasons;
}

/** Columns that the model needs and that the contract takes from a source which is behind a flag. */
function columnReasons({ features }: FeatureContract, signature: VersionDetail['signature'], behindFlags: readonly ProvidedFeatures[]): CompatibilityReason[] {
  const needed = signature.kind === 'known' ? new Set(signature.inputs?.filter(({ required }) => required).map(({ name }) => name)) : new Set<string | undefined>();
  return features.flatMap(({ name, source, range }): CompatibilityReason[] => {
    const set = behindFlags.find((each) => each.source === source?.name && each.version === source.version);
    if (set === undefined || !needed.has(name) || reachOf(set) === 'all') return [];
    return [{ verdict: reachOf(set) === 'unknown' ? 'unknown' : 'needs features', message: `needs features ${plainLine(set.source)}@${plainLine(set.version)} for column ${name}: ${behindWords(set)}`, range }];
  });
}

function signatureReasons(contract: FeatureContract, signature: VersionDetail['signature']): CompatibilityReason[] {
  if (signature.kind !== 'known') return [{ verdict: 'unknown', message: signature.reason, range: contract.range }];
  return [...inputReasons(contract, signature), ...outputReasons(contract, signature)];
}

function inputReasons({ features, range }: FeatureContract, { inputs }: Signature): CompatibilityReason[] {
  if (inputs === undefined) return [{ verdict: 'unknown', message: 'the signature says nothing about inputs', range }];
  const unnamed = inputs.filter(({ name }) => name === undefined);
  if (unnamed.length > 0) return positionReasons(features, inputs, range);
  return inputs.flatMap((column): CompatibilityReason[] => {
    const feature = features.find(({ name }) => name === column.name);
    if (feature !== undefined) return fitReasons(feature, feature.type, feature.nullable, column.type, 'the model takes', 'the application sends');
    if (!column.required) return [];
    return [{ verdict: 'incompatible', message: `column ${plainLine(column.name ?? '')} (${plainLine(typeWords(column.type))}) is missing`, range }];
  });
}

/** Columns without names go by their order; MLflow ignores what is more. */
function positionReasons(features: readonly ContractField[], inputs: readonly Column[], range: SourceRange): CompatibilityReason[] {
  const [only] = inputs;
  if (only?.type.kind === 'tensor') {
    const width = only.type.shape.length === 2 ? only.type.shape[1] : undefined;
    if (width !== undefined && width >= 0 && features.length > 1 && width !== features.length) {
      return [{ verdict: 'incompatible', message: `the model takes ${width} columns in one tensor, the contract has ${features.length}`, range }];
    }
    return [{ verdict: 'unknown', message: `the model takes a ${plainLine(typeWords(only.type))}, whose columns have no names to compare`, range }];
  }
  if (features.length < inputs.length) return [{ verdict: 'incompatible', message: `the model takes ${inputs.length} columns, the contract has ${features.length}`, range }];
  return inputs.flatMap((column, index) => {
    const feature = features[index];
    return feature === undefined ? [] : fitReasons(feature, feature.type, feature.nullable, column.type, 'the model takes', 'the application sends');
  });
}

function outputReasons({ outputs }: FeatureContract, signature: Signature): CompatibilityReason[] {
  const columns = signature.outputs;
  return outputs.flatMap((field): CompatibilityReason[] => {
    if (columns === undefined) return [{ verdict: 'unknown', message: `the signature says nothing about outputs, so not about ${field.name}`, range: field.range }];
    const [only] = columns;
    // A single output without a name is the whole answer, which the application calls by its own name.
    const column = columns.find(({ name }) => name === field.name) ?? (columns.length === 1 && outputs.length === 1 && only?.name === undefined ? only : undefined);
    if (column === undefined) {
      const verdict = columns.some(({ name }) => name === undefined) ? 'unknown' : 'incompatible';
      return [{ verdict, message: verdict === 'unknown' ? `the outputs have no names, so ${field.name} cannot be found among them` : `output ${field.name} is missing`, range: field.range }];
    }
    const type = column.type.kind === 'tensor' ? (tensorScalar(column.type.dtype) ?? column.type) : column.type;
    const gaps = !column.required && !field.nullable;
    return [
      ...fitReasons(field, type, false, field.type, 'the application reads', 'the model gives'),
      ...(gaps ? [{ verdict: 'incompatible' as const, message: `output ${field.name} may be missing, and the application does not expect that (nullable)`, range: field.range }] : []),
    ];
  });
}

const TENSOR_SCALARS: Readonly<Record<string, Column['type']>> = {
  float64: { kind: 'scalar', type: 'double' }, float32: { kind: 'scalar', type: 'float' },
  int64: { kind: 'scalar', type: 'long' }, int32: { kind: 'scalar', type: 'integer' }, bool: { kind: 'scalar', type: 'boolean' },
};

function tensorScalar(dtype: string): Column['type'] | undefined {
  return Object.hasOwn(TENSOR_SCALARS, dtype) ? TENSOR_SCALARS[dtype] : undefined;
}

function fitReasons(field: ContractField, from: Column['type'], nullable: boolean, to: Column['type'], takes: string, sends: string): CompatibilityReason[] {
  const found = fit(from, nullable, to);
  if (found === 'fits') return [];
  const gaps = nullable && fit(from, false, to) === 'fits' ? ', and integers with missing values are not integers' : '';
  return [{
    verdict: found === 'refused' ? 'incompatible' : 'unknown',
    message: `column ${field.name}: ${takes} ${plainLine(typeWords(to))}, ${sends} ${nullable ? 'nullable ' : ''}${plainLine(typeWords(from))}${gaps}`,
    range: field.range,
  }];
}

/** Below zero when `a` is older than `b`; undefined when one of them is no version of numbers. A pre-release is older than its release. */
export function compareVersions(a: string, b: string): number | undefined {
  const [left, right] = [parts(a), parts(b)];
  if (left === undefined || right === undefined) return undefined;
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length); index += 1) {
    const difference = (left.numbers[index] ?? 0) - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '' || right.pre === '') return left.pre === '' ? 1 : -1;
  return left.pre.localeCompare(right.pre, 'en', { numeric: true });
}

function parts(version: string): { readonly numbers: readonly number[]; readonly pre: string } | undefined {
  const found = /^v?(\d+(?:\.\d+)*)(?:-([^+]+))?(?:\+.*)?$/.exec(version.trim());
  return found?.[1] === undefined ? undefined : { numbers: found[1].split('.').map(Number), pre: found[2] ?? '' };
}

import { typeWords } from './typeLattice.ts';
import type { Column, VersionDetail } from './model.ts';

/** One fact that differs; undefined where a version does not have it. */
export interface VersionChange {
  readonly part: 'parameter' | 'metric' | 'data' | 'input' | 'output' | 'code' | 'artifact' | 'signature';
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

type Values = Readonly<Record<string, string>>;

/** What differs between two versions, in the order of the parts; equal facts are left out, also those that neither has. */
export function compareDetails(from: VersionDetail, to: VersionDetail): { readonly changes: readonly VersionChange[] } {
  const parts: readonly [VersionChange['part'], (detail: VersionDetail) => Values][] = [
    ['parameter', ({ params }) => params],
    ['metric', ({ metrics }) => Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, String(value)]))],
    ['data', ({ datasets }) => Object.fromEntries(datasets.map(({ name, digest, context }) => [context === undefined ? name : `${name} (${context})`, digest]))],
    ['signature', ({ signature }) => (signature.kind === 'known' ? {} : { signature: signature.kind })],
    ['input', (detail) => columns(detail, 'inputs')],
    ['output', (detail) => columns(detail, 'outputs')],
    ['code', ({ code }) => ({ ...code })],
    ['artifact', ({ artifact }) => (artifact?.sha256 === undefined ? {} : { sha256: artifact.sha256 })],
  ];
  return { changes: parts.flatMap(([part, valuesOf]) => changes(part, valuesOf(from), valuesOf(to))) };
}

function columns({ signature }: VersionDetail, side: 'inputs' | 'outputs'): Values {
  const found: readonly Column[] = signature.kind === 'known' ? signature[side] ?? [] : [];
  return Object.fromEntries(found.map(({ name, type, required }, index) => [name ?? `#${index + 1}`, `${typeWords(type)}${required ? '' : ', optional'}`]));
}

function changes(part: VersionChange['part'], from: Values, to: Values): VersionChange[] {
  const value = (values: Values, name: string): string | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .map((name) => ({ part, name, from: value(from, name), to: value(to, name) }))
    .filter((change) => change.from !== change.to);
}

import type { Constraint, Strategy, StrategyVariant } from '../../core/flags/model.ts';
import type { NewStrategy } from '../../core/flags/ports.ts';

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'test' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/**
 * The change from one strategy to another as a JSON Patch that writes nothing unless the server's document still is
 * `document`. Only fields that differ are replaced: `PUT`, and a `remove` of the rollout, would reset others to 100 %.
 */
export function strategyPatch(document: unknown, from: Strategy, to: Strategy): PatchOperation[] {
  const replace = (path: string, value: unknown): PatchOperation => ({ op: 'replace', path, value });
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  return [
    { op: 'test', path: '', value: document },
    ...(from.name === to.name ? [] : [replace('/name', to.name)]),
    ...(differs(from.parameters, to.parameters) ? [replace('/parameters', to.parameters)] : []),
    ...(differs(from.constraints, to.constraints) ? [replace('/constraints', to.constraints.map(wireConstraint))] : []),
    ...(differs(from.segments, to.segments) ? [replace('/segments', to.segments)] : []),
    ...(differs(from.variants, to.variants) ? [replace('/variants', to.variants.map(wireVariant))] : []),
    ...(from.disabled === to.disabled ? [] : [replace('/disabled', to.disabled)]),
    ...(from.title === to.title ? [] : [replace('/title', to.title)]),
  ];
}

export function wireNewStrategy({ name, title, disabled, parameters, constraints, segments, variants }: NewStrategy): Record<string, unknown> {
  return { name, title, disabled, parameters, constraints: constraints.map(wireConstraint), segments, variants: variants.map(wireVariant) };
}

/** Single-value operators must not carry `values`, list operators must not carry `value`. */
export function wireConstraint({ contextName, operator, values, value, inverted, caseInsensitive }: Constraint): Record<string, unknown> {
  return { contextName, operator, inverted, caseInsensitive, ...(value === undefined ? { values } : { value, values: [] }) };
}

function wireVariant({ name, weight, weightType, stickiness, payload }: StrategyVariant): Record<string, unknown> {
  return { name, weight, weightType, stickiness, ...(payload === undefined ? {} : { payload }) };
}

import type * as z from 'zod';
import type { Constraint, Exposure, Flag, FlagEnvironment, Segment, Strategy, StrategyVariant } from '../../core/flags/model.ts';
import type { EnvironmentInfo, FlagDetail, FlagEvent } from '../../core/flags/ports.ts';
import { wireOrder, wireStrategy } from './wire.ts';
import type { wireConstraint, wireEvent, wireFlagDetail, wireFlagList, wirePlayground, wireSegments, wireVariant } from './wire.ts';

/** From the wire's shapes to the core's own types: one place for defaults, so that two reads of one thing are equal. */

export function constraint(wire: z.output<typeof wireConstraint>): Constraint {
  return {
    contextName: wire.contextName,
    operator: wire.operator,
    values: wire.values,
    ...(wire.value === null || wire.value === undefined ? {} : { value: wire.value }),
    inverted: wire.inverted ?? false,
    caseInsensitive: wire.caseInsensitive ?? false,
  };
}

function variant(wire: z.output<typeof wireVariant>): StrategyVariant {
  return {
    name: wire.name,
    weight: wire.weight,
    weightType: wire.weightType,
    stickiness: wire.stickiness,
    ...(wire.payload === null || wire.payload === undefined ? {} : { payload: wire.payload }),
  };
}

export function strategy(wire: z.output<typeof wireStrategy>): Strategy {
  return {
    id: wire.id,
    name: wire.name,
    title: wire.title,
    disabled: wire.disabled ?? false,
    parameters: wire.parameters,
    constraints: wire.constraints.map(constraint),
    segments: wire.segments,
    variants: wire.variants.map(variant),
    ...(wire.sortOrder === null || wire.sortOrder === undefined ? {} : { sortOrder: wire.sortOrder }),
    ...(wire.milestoneId === null || wire.milestoneId === undefined ? {} : { milestoneId: wire.milestoneId }),
  };
}

export function segments(wire: z.output<typeof wireSegments>): Segment[] {
  return wire.segments.map(({ id, name, constraints }) => ({ id, name, constraints: constraints.map(constraint) }));
}

function bySortOrder(a: z.output<typeof wireStrategy>, b: z.output<typeof wireStrategy>): number {
  return (a.sortOrder ?? 0) - (b.sortOrder ?? 0);
}

export function flagDetail(wire: z.output<typeof wireFlagDetail>): FlagDetail {
  const environments: FlagEnvironment[] = wire.environments.map((environment) => ({
    name: environment.name,
    type: environment.type,
    enabled: environment.enabled,
    strategies: environment.strategies.toSorted(bySortOrder).map(strategy),
  }));
  const exposures: Exposure[] = wire.environments.map(({ name, yes, no }) => ({ environment: name, yes: yes ?? 0, no: no ?? 0 }));
  const dependencies = wire.dependencies.map(({ feature, enabled, variants }) => ({ feature, enabled: enabled ?? true, variants }));
  return { flag: { ...metadata(wire), project: wire.project, archived: wire.archived ?? false, environments, dependencies, blockedIn: [] }, exposures };
}

function metadata(wire: z.output<typeof wireFlagList>['features'][number]): Pick<Flag, 'name' | 'type' | 'description' | 'stale' | 'createdAt' | 'impressionData'> {
  return {
    name: wire.name,
    type: wire.type,
    description: wire.description,
    stale: wire.stale ?? false,
    impressionData: wire.impressionData ?? false,
    ...(wire.createdAt === null || wire.createdAt === undefined ? {} : { createdAt: wire.createdAt }),
  };
}

/**
 * Joins the flag list (metadata) with playground answers (strategies), each about some of the environments.
 * A flag that was made between the two requests is missing from one of them; the event log brings it.
 */
export function bulkFlags(
  list: z.output<typeof wireFlagList>,
  playgrounds: readonly z.output<typeof wirePlayground>[],
  environments: readonly EnvironmentInfo[],
): Flag[] {
  const answers = new Map<string, { project: string; environments: Map<string, FlagEnvironment>; blockedIn: string[] }>();
  const types = new Map(environments.map(({ name, type }) => [name, type]));
  for (const playground of playgrounds) {
    for (const feature of playground.features) {
      const entry = answers.get(feature.name) ?? { project: feature.projectId, environments: new Map<string, FlagEnvironment>(), blockedIn: [] };
      answers.set(feature.name, entry);
      for (const [name, [evaluation]] of Object.entries(feature.environments)) {
        if (evaluation === undefined) continue;
        entry.environments.set(name, {
          name,
          type: types.get(name) ?? '',
          enabled: evaluation.isEnabledInCurrentEnvironment,
          strategies: evaluation.strategies.data.map((wire) =>
            strategy({ ...wire, segments: wire.segments.map(({ id }) => id), variants: wire.result?.variants ?? [], sortOrder: undefined, milestoneId: undefined })),
        });
        if (evaluation.hasUnsatisfiedDependency === true) entry.blockedIn.push(name);
      }
    }
  }
  return list.features.flatMap((wire) => {
    const answer = answers.get(wire.name);
    if (answer === undefined) return [];
    const inOrder = environments.flatMap(({ name }) => answer.environments.get(name) ?? []);
    return [{ ...metadata(wire), project: answer.project, archived: false, environments: inOrder, blockedIn: answer.blockedIn }];
  });
}

export function event(wire: z.output<typeof wireEvent>): FlagEvent {
  const optional = <K extends string>(key: K, value: string | null | undefined): Partial<Record<K, string>> =>
    value === null || value === undefined ? {} : ({ [key]: value } as Record<K, string>);
  const payloads = wire.type.startsWith('feature-strategy-')
    ? { ...payload('strategy', wire.data), ...payload('previousStrategy', wire.preData) }
    : wire.type === 'strategy-order-changed' ? { ...order('order', wire.data), ...order('previousOrder', wire.preData) } : {};
  return {
    id: wire.id,
    type: wire.type,
    createdAt: wire.createdAt,
    by: wire.createdBy,
    byId: wire.createdByUserId ?? 0,
    ...optional('flag', wire.featureName),
    ...optional('project', wire.project),
    ...optional('environment', wire.environment),
    ...optional('groupId', wire.groupId),
    ...payloads,
  };
}

function order<K extends string>(key: K, data: unknown): Partial<Record<K, readonly string[]>> {
  const parsed = wireOrder.safeParse(data);
  return parsed.success ? ({ [key]: parsed.data.strategyIds } as unknown as Record<K, readonly string[]>) : {};
}

/** A payload that is not a strategy (an old server's, an import's) is left out; the history then shows a gap. */
function payload<K extends string>(key: K, data: unknown): Partial<Record<K, Strategy>> {
  const parsed = wireStrategy.safeParse(data);
  return parsed.success ? ({ [key]: strategy(parsed.data) } as Record<K, Strategy>) : {};
}

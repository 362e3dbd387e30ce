import type * as z from 'zod';
import type { Constraint, Dependency, Exposure, Flag, FlagEnvironment, Segment, Strategy, StrategyVariant } from '../../core/flags/model.ts';
import type { EnvironmentInfo, FlagDetail, FlagEvent } from '../../core/flags/ports.ts';
import type { AskedFlag } from '../../core/flags/serverNotes.ts';
import type { ExposureCount } from '../../core/releases/findings.ts';
import type { ProjectDefaults } from '../../core/flags/projectDefault.ts';
import { wireDependency, wireOrder, wireSegmentName, wireStrategy } from './wire.ts';
import type { wireConstraint, wireEvent, wireFlagDetail, wireFlagList, wirePlayground, wireExposures, wireProjectOverview, wireSegments, wireUnknownFlags, wireVariant } from './wire.ts';

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

/** What Unleash adds to an environment without strategies, per environment. */
export function projectDefaults(wire: z.output<typeof wireProjectOverview>): ProjectDefaults {
  return {
    stickiness: wire.defaultStickiness ?? 'default',
    environments: wire.environments.map(({ environment, defaultStrategy }) => {
      if (defaultStrategy === null || defaultStrategy === undefined) return { environment, strategy: undefined };
      const { name, title, disabled, parameters, constraints, segments: ids, variants } = strategy({ ...defaultStrategy, id: '' });
      return { environment, strategy: { name, title, disabled, parameters, constraints, segments: ids, variants } };
    }),
  };
}

const HOUR_MS = 3_600_000;

export function exposureCounts({ data }: z.output<typeof wireExposures>): ExposureCount[] {
  return data.flatMap(({ appName, environment, timestamp, yes, no, variants }) => {
    const start = Date.parse(timestamp);
    return Number.isNaN(start) ? [] : [{ app: appName, environment, start, end: start + HOUR_MS, yes, no, variants: variants ?? {} }];
  });
}

export function askedFlags({ unknownFlags }: z.output<typeof wireUnknownFlags>): AskedFlag[] {
  return unknownFlags.map(({ name, lastSeenAt, reports }) => ({
    name,
    lastSeenAt,
    reports: reports.flatMap(({ appName, environments }) => environments.map(({ environment, seenAt }) => ({ application: appName, environment, seenAt }))),
  }));
}

export function segments(wire: z.output<typeof wireSegments>): Segment[] {
  return wire.segments.map(({ id, name, constraints }) => ({ id, name, constraints: constraints.map(constraint) }));
}

function bySortOrder(a: z.output<typeof wireStrategy>, b: z.output<typeof wireStrategy>): number {
  return (a.sortOrder ?? 0) - (b.sortOrder ?? 0);
}

export function flagDetail(wire: z.output<typeof wireFlagDetail>): FlagDetail {
  const environments: FlagEnvironment[] = withDistinctNames(wire.environments).map((environment) => ({
    name: environment.name,
    type: environment.type,
    enabled: environment.enabled,
    strategies: environment.strategies.toSorted(bySortOrder).map(strategy),
  }));
  const exposures: Exposure[] = wire.environments.map(({ name, yes, no }) => ({ environment: name, yes: yes ?? 0, no: no ?? 0 }));
  const dependencies = wire.dependencies.map(dependency);
  return { flag: { ...metadata(wire), project: wire.project, archived: wire.archived ?? false, environments, dependencies, blockedIn: [] }, exposures, children: wire.children };
}

const LONGEST_DESCRIPTION = 1000;

/** Shown in part and never written back, so megabytes of it are kept nowhere. */
function shortened(description: string): string {
  return description.length > LONGEST_DESCRIPTION ? `${description.slice(0, LONGEST_DESCRIPTION - 1)}…` : description;
}

/** Environments are told apart by name everywhere: of two with one name the first counts. */
function withDistinctNames<T extends { readonly name: string }>(environments: readonly T[]): T[] {
  return environments.filter(({ name }, index) => environments.findIndex((other) => other.name === name) === index);
}

function metadata(wire: z.output<typeof wireFlagList>['features'][number]): Pick<Flag, 'name' | 'type' | 'description' | 'stale' | 'createdAt' | 'impressionData'> {
  return {
    name: wire.name,
    type: wire.type,
    description: shortened(wire.description),
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
      for (const [name, [evaluation]] of feature.environments) {
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
    ...payloads(wire),
  };
}

/** What an event is about; data of an unknown shape is left out. */
function payloads({ type, data, preData }: z.output<typeof wireEvent>): Partial<FlagEvent> {
  if (type.startsWith('feature-strategy-')) return { ...payload('strategy', data), ...payload('previousStrategy', preData) };
  if (type === 'strategy-order-changed') return { ...order('order', data), ...order('previousOrder', preData) };
  if (type.startsWith('segment-')) {
    const { data: segment } = wireSegmentName.safeParse(data ?? preData);
    return segment === undefined ? {} : { segment };
  }
  if (type.startsWith('feature-dependency-')) {
    const { data: parent } = wireDependency.safeParse(data ?? preData);
    return parent === undefined ? {} : { dependency: dependency(parent) };
  }
  return {};
}

function dependency({ feature, enabled, variants }: z.output<typeof wireDependency>): Dependency {
  return { feature, enabled: enabled ?? true, variants };
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

/**
 * The flag as Modelswitch sees it, free of any one Unleash endpoint's shape. All values are immutable: a change is a new
 * object, so a view can compare by identity.
 */

/** One condition of a strategy or segment; a context matches when every condition holds. */
export interface Constraint {
  readonly contextName: string;
  readonly operator: string;
  /** For operators that take a list (IN, NOT_IN, STR_*). */
  readonly values: readonly string[];
  /** For operators that take one value (NUM_*, DATE_*, SEMVER_*, REGEX). */
  readonly value?: string;
  readonly inverted: boolean;
  readonly caseInsensitive: boolean;
}

export interface Segment {
  readonly id: number;
  readonly name: string;
  readonly constraints: readonly Constraint[];
}

export interface VariantPayload {
  readonly type: string;
  readonly value: string;
}

export interface StrategyVariant {
  readonly name: string;
  /** Thousandths: the weights of one strategy add up to 1000. */
  readonly weight: number;
  readonly weightType: 'fix' | 'variable';
  readonly stickiness: string;
  readonly payload?: VariantPayload;
}

/** One activation strategy of a flag in one environment. */
export interface Strategy {
  readonly id: string;
  /** The strategy's type: `flexibleRollout`, `default`, `remoteAddress`, ... */
  readonly name: string;
  readonly title: string;
  readonly disabled: boolean;
  /** As Unleash keeps them: strings, `rollout` not range-checked. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly constraints: readonly Constraint[];
  /** Segment ids; all of them must match, together with the constraints. */
  readonly segments: readonly number[];
  readonly variants: readonly StrategyVariant[];
  /** Place in the evaluation order, which may have gaps; the bulk read does not tell it. */
  readonly sortOrder?: number;
  /** Set when a release plan of Unleash Enterprise owns the strategy. */
  readonly milestoneId?: string;
}

/** A flag in one environment. Strategies are OR-ed and stand in evaluation order. */
export interface FlagEnvironment {
  readonly name: string;
  /** Unleash's environment type: `development`, `production`, ... */
  readonly type: string;
  readonly enabled: boolean;
  readonly strategies: readonly Strategy[];
}

/** A condition on another flag: this flag is off wherever the condition does not hold. */
export interface Dependency {
  readonly feature: string;
  /** Whether the parent must be on (true) or off (false). */
  readonly enabled: boolean;
  /** When not empty, the parent must answer one of these variants. */
  readonly variants: readonly string[];
}

export interface Flag {
  readonly name: string;
  readonly project: string;
  readonly type: string;
  readonly description: string;
  readonly stale: boolean;
  readonly archived: boolean;
  readonly createdAt?: string;
  readonly impressionData: boolean;
  readonly environments: readonly FlagEnvironment[];
  /** `undefined`: not read yet; the bulk read does not tell them. */
  readonly dependencies?: readonly Dependency[];
  /** The bulk read's hint that some parent's condition does not hold in the environment. */
  readonly blockedIn: readonly string[];
}

/** Unleash's yes/no counters of a flag in one environment. */
export interface Exposure {
  readonly environment: string;
  readonly yes: number;
  readonly no: number;
}

/** The type of the gradual-rollout strategy, the only one whose share Modelswitch changes. */
export const GRADUAL_ROLLOUT = 'flexibleRollout';

/** Whether a strategy of it is for members of segments only. */
export function usesSegments({ environments }: Flag): boolean {
  return environments.some(({ strategies }) => strategies.some(({ segments }) => segments.length > 0));
}

export function environmentOf(flag: Flag, environment: string): FlagEnvironment | undefined {
  return flag.environments.find((candidate) => candidate.name === environment);
}

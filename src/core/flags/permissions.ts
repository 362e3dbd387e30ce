import type { ChangeKind, ChangePlan, Step } from './changePlan.ts';
import type { Identity } from './ports.ts';

/** What Unleash asks for when a strategy or an environment switch is changed. */
type Needed = 'UPDATE_FEATURE_STRATEGY' | 'CREATE_FEATURE_STRATEGY' | 'DELETE_FEATURE_STRATEGY' | 'UPDATE_FEATURE_ENVIRONMENT';

/** Either of these allows to set what Unleash adds when an environment without strategies is switched on. */
const DEFAULT_STRATEGY_PERMISSIONS = ['UPDATE_PROJECT', 'PROJECT_DEFAULT_STRATEGY_WRITE'] as const;

const NEEDED_BY_CALL: Record<Step['kind'], Needed> = {
  patch: 'UPDATE_FEATURE_STRATEGY',
  order: 'UPDATE_FEATURE_STRATEGY',
  add: 'CREATE_FEATURE_STRATEGY',
  remove: 'DELETE_FEATURE_STRATEGY',
  switch: 'UPDATE_FEATURE_ENVIRONMENT',
};

const NEEDED: Record<ChangeKind, readonly Needed[]> = {
  promote: ['UPDATE_FEATURE_STRATEGY'],
  'set rollout': ['UPDATE_FEATURE_STRATEGY'],
  'set weights': ['UPDATE_FEATURE_STRATEGY'],
  'roll back': ['UPDATE_FEATURE_STRATEGY'],
  restore: ['UPDATE_FEATURE_STRATEGY'],
  kill: ['UPDATE_FEATURE_ENVIRONMENT'],
  enable: ['UPDATE_FEATURE_ENVIRONMENT'],
  disable: ['UPDATE_FEATURE_ENVIRONMENT'],
  start: ['CREATE_FEATURE_STRATEGY', 'UPDATE_FEATURE_STRATEGY'],
  're-pin': ['UPDATE_FEATURE_STRATEGY'],
  're-arm': ['UPDATE_FEATURE_STRATEGY'],
  approve: ['UPDATE_FEATURE_STRATEGY'],
};

/** Whether to offer a change. The server has the last word: this only keeps buttons away that cannot work. */
export function mayChange(identity: Identity, kind: ChangeKind, project: string, environment: string): boolean {
  return NEEDED[kind].every((needed) => has(identity, needed, project, environment));
}

/** Whether to offer a change of the project's default strategy; when not, `lacking` names what is needed. */
export function mayChangeDefault(identity: Identity, project: string, environment: string): { readonly may: boolean; readonly lacking: string } {
  return { may: DEFAULT_STRATEGY_PERMISSIONS.some((needed) => has(identity, needed, project, environment)), lacking: DEFAULT_STRATEGY_PERMISSIONS.join(' or ') };
}

/** The first permission that some call of a plan needs and the person lacks. */
export function lackingPermission(identity: Identity, plan: ChangePlan, project: string): { readonly permission: string; readonly environment: string } | undefined {
  for (const { environment, steps } of plan.environments) {
    for (const { kind } of steps) {
      const permission = NEEDED_BY_CALL[kind];
      if (!has(identity, permission, project, environment)) return { permission, environment };
    }
  }
  return undefined;
}

/** The first permission that making a flag with a strategy in each environment needs and the person lacks. */
export function lackingToCreate(identity: Identity, project: string, environments: readonly string[]): { readonly permission: string; readonly environment?: string } | undefined {
  if (!has(identity, 'CREATE_FEATURE', project, '*')) return { permission: 'CREATE_FEATURE' };
  const environment = environments.find((name) => !has(identity, 'CREATE_FEATURE_STRATEGY', project, name));
  return environment === undefined ? undefined : { permission: 'CREATE_FEATURE_STRATEGY', environment };
}

/** What making a segment needs; a permission of the whole server. */
export function mayCreateSegment(identity: Identity): boolean {
  return has(identity, 'CREATE_SEGMENT', '*', '*');
}

function has(identity: Identity, needed: Needed | 'CREATE_FEATURE' | 'CREATE_SEGMENT' | (typeof DEFAULT_STRATEGY_PERMISSIONS)[number], project: string, environment: string): boolean {
  return identity.permissions.some(({ permission, project: inProject, environment: inEnvironment }) =>
    permission === 'ADMIN' || (permission === needed && covers(inProject, project) && covers(inEnvironment, environment)));
}

function covers(granted: string | undefined, asked: string): boolean {
  return granted === undefined || granted === '*' || granted === asked;
}

/** The extent of somebody's permissions in one sentence, for the connect dialog. */
export function permissionWords(identity: Identity, project: string, environments: readonly string[]): string {
  const changeable = environments.filter((environment) => mayChange(identity, 'set rollout', project, environment));
  if (changeable.length === 0) return 'may read, but not change rollouts';
  if (changeable.length === environments.length) return 'may change rollouts in every environment';
  return `may change rollouts in ${changeable.join(', ')}`;
}

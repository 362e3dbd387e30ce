import { isAboutUnleash, isClassName, mentionsFlags, mentionsUnleash, nameHint } from '../clientNames.ts';
import type { FlagApi } from '../model.ts';
import type { FlagQuestion, LanguageRules, OutsideOrigin } from '../project/language.ts';
import { moduleResolver } from './modules.ts';

const unleash = (api: FlagApi, ...parameters: string[]): FlagQuestion => ({ api, sdk: 'unleash', parameters });
const openFeature = (api: FlagApi): FlagQuestion => ({ api, sdk: 'openfeature', parameters: ['flagKey', 'defaultValue', 'context', 'options'] });

const IS_ENABLED = unleash('is_enabled', 'name', 'context', 'fallback');
const GET_VARIANT = unleash('get_variant', 'name', 'context', 'fallbackVariant');

const OPEN_FEATURE: readonly (readonly [string, FlagQuestion])[] = (['Boolean', 'String', 'Number', 'Object'] as const).flatMap((type) => {
  const name = { Boolean: 'boolean', String: 'string', Number: 'float', Object: 'object' } as const;
  return [[`get${type}Value`, openFeature(`get_${name[type]}_value`)], [`get${type}Details`, openFeature(`get_${name[type]}_details`)]] as const;
});

const QUESTIONS: ReadonlyMap<string, FlagQuestion> = new Map([
  ['isEnabled', IS_ENABLED],
  ['getVariant', GET_VARIANT],
  ['forceGetVariant', GET_VARIANT],
  ...OPEN_FEATURE,
]);

/** Packages whose exports are clients, or make them. */
const UNLEASH_PACKAGE = /^(?:unleash-client|unleash-proxy-client|@unleash\/(?:proxy-client-(?:react|vue|svelte)|nextjs)(?:\/.*)?)$/;
const OPEN_FEATURE_PACKAGE = /^@openfeature\/(?:server-sdk|web-sdk|react-sdk|core|js-sdk)$/;
const UNLEASH_PROVIDER = /^(?:@openfeature\/unleash[\w-]*|@unleash\/[\w-]*openfeature[\w-]*|unleash-openfeature[\w-]*)$/;

/** Functions of the packages that ask by themselves. */
const UNLEASH_FUNCTIONS: ReadonlyMap<string, FlagQuestion> = new Map([
  ['useFlag', IS_ENABLED], ['useVariant', GET_VARIANT], ['isEnabled', IS_ENABLED], ['getVariant', GET_VARIANT],
]);
const OPEN_FEATURE_HOOKS: ReadonlyMap<string, FlagQuestion> = new Map((['Boolean', 'String', 'Number', 'Object'] as const).flatMap((type) => {
  const name = { Boolean: 'boolean', String: 'string', Number: 'float', Object: 'object' } as const;
  return [[`use${type}FlagValue`, openFeature(`get_${name[type]}_value`)], [`use${type}FlagDetails`, openFeature(`get_${name[type]}_details`)]] as const;
}));

/** Exports of those packages that make, hold or are a client. */
const CLIENTS = /^(?:Unleash|UnleashClient|InMemory.*Unleash|initialize|startUnleash|getUnleash|unleash|useUnleashClient|useUnleashContext|flagsClient|FlagContext|default)$/;

export const ENUM = 'enum';

/** TypeScript and JavaScript, with JSX: the SDKs for Node, browsers and React, and OpenFeature with an Unleash provider. */
export const typescriptRules: LanguageRules = {
  id: 'typescript',
  questions: QUESTIONS,
  question: (module, name) => (UNLEASH_PACKAGE.test(module) ? UNLEASH_FUNCTIONS.get(name) : OPEN_FEATURE_PACKAGE.test(module) ? OPEN_FEATURE_HOOKS.get(name) : undefined),
  outside(module, name): OutsideOrigin {
    if (UNLEASH_PACKAGE.test(module)) return name === undefined || CLIENTS.test(name) ? 'client' : 'other';
    if (OPEN_FEATURE_PACKAGE.test(module)) return 'openfeature';
    if (mentionsUnleash(module) && !isAboutUnleash(name ?? module)) return 'client';
    return 'unknown';
  },
  isUnleashProvider: (module, name) => UNLEASH_PROVIDER.test(module) || (name !== undefined && /Unleash\w*Provider$/.test(name)),
  hint: nameHint,
  mentionsFlags,
  mentionsClient: (name) => mentionsUnleash(name) && !isAboutUnleash(name),
  clientMakers: new Set(['initialize', 'startUnleash', 'getUnleash', 'useUnleashClient', 'useUnleashContext', 'flagsClient']),
  questionFunctions: [...UNLEASH_FUNCTIONS.keys(), ...OPEN_FEATURE_HOOKS.keys()],
  entriesAreAttributes: true,
  clientClasses: new Set(['Unleash', 'UnleashClient']),
  isClassName,
  openTypes: new Set(['any', 'unknown', 'object', 'Object']),
  enumKind: (bases) => (bases.includes(ENUM) ? 'text' : undefined),
  takesFields: () => false,
  constructors: ['constructor'],
  partials: new Set(),
  modules: moduleResolver,
};

import type { FlagApi } from '../model.ts';
import type { FlagQuestion, LanguageRules, OutsideOrigin } from '../project/language.ts';
import { isAboutUnleash, isClassName, mentionsFlags, mentionsUnleash, nameHint } from '../clientNames.ts';
import { PythonModules } from './modules.ts';

/** Other vendors' packages whose clients have `is_enabled` or `get_variant` as well. */
const FOREIGN_PACKAGES = new Set(['featuremanagement', 'flagsmith', 'ldclient', 'configcatclient', 'flipper', 'waffle', 'growthbook', 'posthog']);

const KINDS = ['boolean', 'string', 'integer', 'float', 'object'] as const;
const FORMS = ['value', 'details'] as const;

function questions(): ReadonlyMap<string, FlagQuestion> {
  const all = new Map<string, FlagQuestion>([
    ['is_enabled', { api: 'is_enabled', sdk: 'unleash', parameters: ['feature_name', 'context', 'fallback_function'] }],
    ['get_variant', { api: 'get_variant', sdk: 'unleash', parameters: ['feature_name', 'context'] }],
  ]);
  for (const kind of KINDS) {
    for (const form of FORMS) {
      const api: FlagApi = `get_${kind}_${form}`;
      for (const name of [api, `${api}_async`]) all.set(name, { api, sdk: 'openfeature', parameters: ['flag_key', 'default_value', 'evaluation_context', 'flag_evaluation_options'] });
    }
  }
  return all;
}

function outside(module: string, name: string | undefined): OutsideOrigin {
  const first = module.split('.')[0] ?? '';
  if (FOREIGN_PACKAGES.has(first)) return 'other';
  if (first === 'openfeature') return 'openfeature';
  if (name !== undefined && isAboutUnleash(name)) return 'unknown';
  return mentionsUnleash(module) || (name !== undefined && mentionsUnleash(name)) ? 'client' : 'unknown';
}

export const pythonRules: LanguageRules = {
  id: 'python',
  questions: questions(),
  question: () => undefined,
  outside,
  isUnleashProvider: (module, name) => /provider/i.test(`${module}.${name ?? ''}`) && mentionsUnleash(`${module}.${name ?? ''}`),
  hint: nameHint,
  mentionsFlags,
  mentionsClient: mentionsUnleash,
  questionFunctions: [],
  clientMakers: new Set(),
  entriesAreAttributes: false,
  clientClasses: new Set(['UnleashClient']),
  isClassName,
  openTypes: new Set(['Any', 'object', 'Optional', 'Union', 'None', 'Annotated', 'Final', 'ClassVar', 'Depends', 'typing', 't']),
  enumKind: (bases) => {
    if (bases.includes('StrEnum') || bases.includes('TextChoices')) return 'text';
    if (!bases.some((base) => base === 'Enum' || base === 'IntEnum' || base === 'Flag' || base === 'IntFlag')) return undefined;
    return bases.includes('str') ? 'text' : 'plain';
  },
  takesFields: (names) => names.some((name) => FIELD_CLASSES.has(name)),
  constructors: ['__init__'],
  partials: new Set(['partial', 'partialmethod']),
  modules: (files) => new PythonModules(files),
};

const FIELD_CLASSES = new Set(['dataclass', 'define', 'frozen', 'attrs', 'NamedTuple', 'BaseModel', 'BaseSettings']);

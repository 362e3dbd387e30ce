/**
 * What the name of a variable, function, class or module says about being an Unleash client.
 * `yes`: `unleash`, `unleash_client`, `feature_flags`, `FLAGS`, `toggle_service`, `FlagClient`;
 * `generic`: `client`, `_client`, `get_client`, `Client`: one only where something else speaks for Unleash;
 * `no`: everything else, such as `logger`, `redis_client`, `flag` and `feature` (one flag, not a client of flags).
 */
export type NameHint = 'yes' | 'generic' | 'no';

const FLAG_WORDS = new Set(['flag', 'flags', 'feature', 'features', 'toggle', 'toggles', 'featureflag', 'featureflags']);
const PLURALS = new Set(['flags', 'features', 'toggles', 'featureflags']);
const SERVERS = new Set(['client', 'service', 'manager', 'provider', 'store', 'sdk', 'evaluator', 'checker', 'gateway']);
/** Words that say nothing about what the thing is. */
const FILLERS = new Set(['get', 'the', 'my', 'current', 'default', 'global', 'create', 'make', 'build', 'init', 'new', 'shared', 'app', 'async', 'mock', 'fake']);
/** What a thing that is about Unleash without being a client is called last. */
const OTHERS = new Set(['logger', 'log', 'config', 'settings', 'url', 'token', 'context', 'response', 'request', 'session', 'metrics', 'cache']);

/** `getFeatureFlags` and `GET_FEATURE_FLAGS` are both get, feature, flags. */
export function wordsOf(name: string): readonly string[] {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}

export function mentionsUnleash(name: string): boolean {
  return /unleash/i.test(name);
}

/** Whether an imported name speaks for a file that works with feature flags. */
export function mentionsFlags(name: string): boolean {
  return mentionsUnleash(name) || wordsOf(name).some((word) => FLAG_WORDS.has(word));
}

export function nameHint(name: string): NameHint {
  const words = wordsOf(name).filter((word) => !FILLERS.has(word));
  const last = words.at(-1);
  if (last === undefined || isAboutUnleash(name)) return 'no';
  if (words.some((word) => mentionsUnleash(word)) || PLURALS.has(last)) return 'yes';
  if (SERVERS.has(last) && words.some((word) => FLAG_WORDS.has(word))) return 'yes';
  return words.length === 1 && last === 'client' ? 'generic' : 'no';
}

/** Whether a name says that it is something around Unleash, but no client: `unleash_logger`, `UNLEASH_URL`. */
export function isAboutUnleash(name: string): boolean {
  return OTHERS.has(wordsOf(name).at(-1) ?? '');
}

/** PEP 8: classes are in CapWords, functions in lower case, constants in capitals. */
export function isClassName(name: string): boolean {
  return /^_*\p{Lu}.*\p{Ll}/u.test(name);
}

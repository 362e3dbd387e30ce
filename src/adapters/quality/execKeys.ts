import { plainLine } from '../../core/base/words.ts';
import { nearest } from '../../core/workspace/suggest.ts';

const ANSWER = ['windows', 'design_effect', 'warnings'] as const;
const WINDOW = ['arm', 'environment', 'service', 'start', 'end', 'last_seen', 'requests', 'units', 'slice', 'metrics'] as const;
const MOMENTS = ['n', 'sum', 'squares'] as const;

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of a row of a warehouse, which may have columns of its own (`first_seen`, `device`): a key in another writing, such as `lastSeen`. */
function sameLetters(key: string, known: readonly string[]): string | undefined {
  const letters = (of: string): string => of.toLowerCase().replaceAll(/[^a-z\d]/g, '');
  return known.find((other) => letters(other) === letters(key));
}

/** A key that is meant to be one that is missing beside it, with that one; undefined: none. */
function misspeltIn(value: unknown, known: readonly string[], meantBy: (key: string, missing: readonly string[]) => string | undefined = nearest): string | undefined {
  if (!isMapping(value)) return undefined;
  const missing = known.filter((key) => !Object.hasOwn(value, key));
  if (missing.length === 0) return undefined;
  for (const key of Object.keys(value)) {
    const meant = known.includes(key) ? undefined : meantBy(key, missing);
    if (meant !== undefined) return `nothing reads ${plainLine(key, 60)}. Did you mean "${meant}"?`;
  }
  return undefined;
}

/** What a command may have misspelt in its answer, in words. Other keys that nobody reads, such as those of `select *`, are its own affair; undefined where there is nothing. */
export function misspeltWords(json: unknown): string | undefined {
  const answer = misspeltIn(json, ANSWER);
  if (answer !== undefined || !isMapping(json) || !Array.isArray(json['windows'])) return answer;
  for (const [index, window] of (json['windows'] as readonly unknown[]).entries()) {
    const own = misspeltIn(window, WINDOW, sameLetters);
    if (own !== undefined) return `window ${index + 1}: ${own}`;
    const metrics = isMapping(window) && isMapping(window['metrics']) ? window['metrics'] : {};
    for (const [metric, moments] of Object.entries(metrics)) {
      const found = misspeltIn(moments, MOMENTS);
      if (found !== undefined) return `window ${index + 1}: of the metric ${plainLine(metric, 60)} ${found}`;
    }
  }
  return undefined;
}

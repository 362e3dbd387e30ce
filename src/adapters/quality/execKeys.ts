import { plainLine } from '../../core/base/words.ts';
import { nearest } from '../../core/workspace/suggest.ts';

const ANSWER = ['windows', 'design_effect', 'warnings'] as const;
const WINDOW = ['arm', 'environment', 'service', 'start', 'end', 'last_seen', 'requests', 'units', 'slice', 'metrics'] as const;
const MOMENTS = ['n', 'sum', 'squares'] as const;

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key that is nearly one that is missing beside it, with that one; undefined: none. */
function misspeltIn(value: unknown, known: readonly string[]): string | undefined {
  if (!isMapping(value)) return undefined;
  const missing = known.filter((key) => !Object.hasOwn(value, key));
  if (missing.length === 0) return undefined;
  for (const key of Object.keys(value)) {
    const meant = known.includes(key) ? undefined : nearest(key, missing);
    if (meant !== undefined) return `nothing reads ${plainLine(key, 60)}. Did you mean "${meant}"?`;
  }
  return undefined;
}

/** What a command may have misspelt in its answer, in words. Other keys that nobody reads, such as those of `select *`, are its own affair; undefined where there is nothing. */
export function misspeltWords(json: unknown): string | undefined {
  const answer = misspeltIn(json, ANSWER);
  if (answer !== undefined || !isMapping(json) || !Array.isArray(json['windows'])) return answer;
  for (const [index, window] of (json['windows'] as readonly unknown[]).entries()) {
    const own = misspeltIn(window, WINDOW);
    if (own !== undefined) return `window ${index + 1}: ${own}`;
    const metrics = isMapping(window) && isMapping(window['metrics']) ? window['metrics'] : {};
    for (const [metric, moments] of Object.entries(metrics)) {
      const found = misspeltIn(moments, MOMENTS);
      if (found !== undefined) return `window ${index + 1}: of the metric ${plainLine(metric, 60)} ${found}`;
    }
  }
  return undefined;
}

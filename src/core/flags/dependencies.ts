import type { Dependency } from './model.ts';

/** A condition on a parent in words: `"fraud-base" being on`, `"fraud-base" answering v1 or v2`. */
export function dependencyWords({ feature, enabled, variants }: Dependency): string {
  if (!enabled) return `"${feature}" being off`;
  return variants.length === 0 ? `"${feature}" being on` : `"${feature}" answering ${variants.join(' or ')}`;
}

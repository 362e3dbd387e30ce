import type { CallSite } from './model.ts';
import type { FlagSite, SiteCount } from './siteCatalog.ts';

/** `12 call sites in 4 files`. */
export function countOfSites({ calls, files }: SiteCount): string {
  return `${calls} call site${calls === 1 ? '' : 's'} in ${files} file${files === 1 ? '' : 's'}`;
}

/** Where a call site is for people: the line counts from 1, in a notebook within its cell, which counts from 1. */
export function placeOfSite({ site, cells }: { readonly site: Pick<CallSite, 'range'>; readonly cells?: FlagSite['cells'] }): { readonly cell: number | undefined; readonly line: number } {
  const { line } = site.range.start;
  const cell = cells?.findLast((each) => each.line <= line);
  return { cell: cell?.cell, line: line + 1 - (cell?.line ?? 0) };
}

/** What stands around a call: `Scorer.predict · via Flags.enabled · key in app/keys.py:3`. */
export function siteWords({ site: { within, wrapper, via, keys } }: Pick<FlagSite, 'site'>, flag: string): string {
  const definition = keys.find(({ value }) => value === flag)?.definition;
  return [
    within ?? 'module level',
    wrapper === undefined ? via === 'wrapper' ? 'via wrapper' : '' : `via ${wrapper.name}`,
    definition === undefined ? '' : `key in ${definition.path}:${definition.range.start.line + 1}`,
  ].filter((part) => part !== '').join(' · ');
}

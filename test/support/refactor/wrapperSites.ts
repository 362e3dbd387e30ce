import { editorLineStarts, positionAt } from '../../../src/core/callsites/lines.ts';
import type { Range } from '../../../src/core/callsites/model.ts';
import type { FlagSite, RefactorFile, WrapperRef } from '../../../src/core/refactor/model.ts';

interface FoundWrapper extends WrapperRef {
  readonly key: string | undefined;
}

/** Stands in for the index of call sites: the calls of functions that are named as wrappers, found by their names. */
export function wrapperSites(files: readonly RefactorFile[], wrappers: ReadonlyMap<string, number | undefined>, direct: readonly FlagSite[]): readonly FlagSite[] {
  const chains = new Map<string, readonly FoundWrapper[]>();
  for (const name of wrappers.keys()) chains.set(name, chainOf(name, files, wrappers, direct));
  return files.flatMap(({ path, text }) => [...wrappers].flatMap(([name, position]) => callsOf(text, name).flatMap(({ range, args }) => {
    const chain = chains.get(name) ?? [];
    const fixed = chain.find(({ key }) => key !== undefined)?.key;
    const key = position === undefined ? fixed : /^["'](.*)["']$/.exec(args[position]?.trim() ?? '')?.[1];
    return key === undefined ? [] : [{ file: path, range, api: 'is_enabled' as const, keys: [key], via: 'wrapper', wrappers: chain }];
  })));
}

function chainOf(name: string, files: readonly RefactorFile[], wrappers: ReadonlyMap<string, number | undefined>, direct: readonly FlagSite[]): readonly FoundWrapper[] {
  for (const { path, text } of files) {
    const head = new RegExp(`^([ \\t]*)((?:async )?def ${name}\\b[^\\n]*:[ \\t]*)((?:\\n(?:\\1[ \\t]+.*|[ \\t]*)(?=\\n|$))+)`, 'm').exec(text);
    if (!head) continue;
    const start = head.index + (head[1] ?? '').length;
    const definition = rangeOf(text, start, head.index + head[0].trimEnd().length);
    const site = direct.find(({ file, range }) => file === path && inside(range, definition));
    if (site) return [{ file: path, definition, inner: site.range, key: site.keys[0] }];
    const next = [...wrappers.keys()].filter((other) => other !== name).flatMap((other) => callsOf(text, other).filter(({ range }) => inside(range, definition)).map(({ range, args }) => ({ other, range, args })))[0];
    const passed = /^["'](.*)["']$/.exec(next?.args[wrappers.get(next.other) ?? -1]?.trim() ?? '')?.[1];
    if (next) return [{ file: path, definition, inner: next.range, key: passed }, ...chainOf(next.other, files, wrappers, direct)];
  }
  return [];
}

function callsOf(text: string, name: string): readonly { readonly range: Range; readonly args: readonly string[] }[] {
  return [...text.matchAll(new RegExp(`(?<!def )(?<![\\w.])(?:\\w+\\.)*${name}\\(([^()]*(?:\\([^()]*\\)[^()]*)*)\\)`, 'g'))]
    .filter(({ index }) => !/(?:def |#.*)$/.test(text.slice(0, index).split('\n').at(-1) ?? ''))
    .map((match) => ({ range: rangeOf(text, match.index, match.index + match[0].length), args: (match[1] ?? '').split(',') }));
}

function rangeOf(text: string, start: number, end: number): Range {
  const lines = editorLineStarts(text);
  return { start: positionAt(lines, start), end: positionAt(lines, end) };
}

function inside(inner: Range, outer: Range): boolean {
  return (inner.start.line > outer.start.line || (inner.start.line === outer.start.line && inner.start.character >= outer.start.character)) && inner.end.line <= outer.end.line;
}

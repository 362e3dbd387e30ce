import { editorLineStarts } from '../callsites/lines.ts';
import type { Range } from '../callsites/model.ts';
import { applySpanEdits, offsetAt } from './edits.ts';
import type { FlagSite, Parse, WrapperRef } from './model.ts';
import type { ProjectTexts } from './projectTexts.ts';
import { markSite } from './python/marking.ts';
import { qualifiedName } from './python/names.ts';
import { Pass } from './python/pass.ts';
import { inTree, simplify, type Simplifying } from './python/simplify.ts';
import { constantOf, definitionOf, functionAt } from './python/wrappers.ts';

/**
 * What the call of a wrapper gives: `direct`: it is no wrapper; `known`: the wrapper takes the key, and gives the answer or
 * its opposite for every key; `waiting`: the wrapper asks for this one flag, so its body is simplified itself.
 */
export type WrapperValue =
  | { readonly kind: 'direct' | 'waiting' }
  /** `names` are those of the functions that it goes through. */
  | { readonly kind: 'known'; readonly value: boolean; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** What the wrappers of a project give. */
export class WrapperValues {
  readonly #texts: ProjectTexts;
  readonly #sites: readonly FlagSite[];
  readonly #simplifying: (path: string) => Simplifying;
  readonly #answer: boolean;

  constructor(texts: ProjectTexts, sites: readonly FlagSite[], answer: boolean, simplifying: (path: string) => Simplifying) {
    this.#texts = texts;
    this.#sites = sites;
    this.#answer = answer;
    this.#simplifying = simplifying;
  }

  of(site: FlagSite): WrapperValue {
    const wrappers = site.wrappers ?? [];
    if (wrappers.length === 0) return site.via === 'wrapper' ? { kind: 'refused', reason: 'it asks through a function of which nobody said what it makes of the answer' } : { kind: 'direct' };
    if (wrappers.some(({ file: holder, inner }) => this.#sites.some(({ file, range, keys }) => keys.length > 0 && file === holder && sameRange(range, inner)))) return { kind: 'waiting' };
    if (site.api === 'get_variant') return { kind: 'refused', reason: 'it asks for a variant through a wrapper' };
    let answer = this.#answer;
    const names: string[] = [];
    for (const [index, wrapper] of [...wrappers.entries()].toReversed()) {
      const outer = wrappers[index - 1];
      const { value, name } = this.#given(wrapper, answer, outer ? { file: outer.file, range: outer.inner } : site);
      if (name === '') return { kind: 'refused', reason: 'its wrapper is no function that is defined by `def`' };
      if (value === 'several') return { kind: 'refused', reason: `several classes have a method \`${name}\`` };
      if (value === undefined) return { kind: 'refused', reason: `its wrapper \`${name}\` does more than to ask for the flag` };
      answer = value;
      names.push(name);
    }
    return { kind: 'known', value: answer, names };
  }

  /** What the outermost wrapper of a waiting call has come to give; `call` is the call's text. */
  now(site: FlagSite, call: string, parse: Parse): { readonly gives: boolean; readonly name: string } | undefined {
    const [wrapper] = site.wrappers ?? [];
    if (!wrapper) return undefined;
    const qualified = this.#qualified(wrapper, parse);
    const name = qualified.split('.').at(-1) ?? '';
    if (name === '' || (qualified.includes('.') && this.#texts.definitions(name) > 1)) return undefined;
    const gives = inTree(parse, this.#texts.now(wrapper.file), (source) => {
      const definition = definitionOf(source, qualified);
      return definition && definition.isAsync === this.#isAwaited(site) && definition.isProperty !== call.trimEnd().endsWith(')') ? constantOf(source, definition) : undefined;
    });
    return gives === undefined ? undefined : { gives, name };
  }

  #qualified({ file, definition }: WrapperRef, parse: Parse): string {
    const text = this.#texts.before(file);
    const lines = editorLineStarts(text);
    return inTree(parse, text, (source) => {
      const node = functionAt(source, offsetAt(lines, definition.start), offsetAt(lines, definition.end));
      return node ? qualifiedName(source, node) : '';
    });
  }

  #isAwaited({ file, range }: Pick<FlagSite, 'file' | 'range'>): boolean {
    const text = this.#texts.before(file);
    return /\bawait\s*$/.test(text.slice(0, offsetAt(editorLineStarts(text), range.start)));
  }

  /** What one wrapper gives when the call in its body gives `answer`. */
  #given(wrapper: WrapperRef, answer: boolean, call: Pick<FlagSite, 'file' | 'range'>): { readonly value: boolean | 'several' | undefined; readonly name: string } {
    const simplifying = this.#simplifying(wrapper.file);
    const qualified = this.#qualified(wrapper, simplifying.parse);
    const name = qualified.split('.').at(-1) ?? '';
    if (name === '') return { value: undefined, name };
    if (qualified.includes('.') && this.#texts.definitions(name) > 1) return { value: 'several', name };
    const text = this.#texts.before(wrapper.file);
    const lines = editorLineStarts(text);
    const span = { start: offsetAt(lines, wrapper.inner.start), end: offsetAt(lines, wrapper.inner.end) };
    const marked = inTree(simplifying.parse, text, (source) => {
      const pass = new Pass(source);
      return markSite(pass, { site: 0, ...span, gives: answer }) === undefined ? applySpanEdits(text, pass.edits) : undefined;
    });
    if (marked === undefined) return { value: undefined, name };
    const value = inTree(simplifying.parse, simplify(marked, simplifying).text, (source) => {
      const definition = definitionOf(source, qualified);
      return definition && definition.isAsync === this.#isAwaited(call) && !definition.isProperty ? constantOf(source, definition) : undefined;
    });
    return { value, name };
  }
}

export function sameRange(a: Range, b: Range): boolean {
  return a.start.line === b.start.line && a.start.character === b.start.character && a.end.line === b.end.line && a.end.character === b.end.character;
}

import { editorLineStarts } from '../callsites/lines.ts';
import type { FlagApi, Range } from '../callsites/model.ts';
import type { SyntaxNode } from '../callsites/syntax.ts';
import { applySpanEdits, lineDiff, offsetAt, toReplacements } from './edits.ts';
import type { FileEdits, FinishRequest, FinishResult, FlagSite, Leftover, Parse, RefactorFile } from './model.ts';
import { cleanProject } from './cleaning.ts';
import { fallbackNames, markSite } from './python/marking.ts';
import { GONE, marksIn, Pass, RESERVED, type MarkKind } from './python/pass.ts';
import { inTree, simplify, type Simplifying } from './python/simplify.ts';
import { quoteAround, stringLiteral, usualQuote } from './python/quotes.ts';
import type { KnownVariant } from './python/variants.ts';
import { sameRange, WrapperValues } from './wrapperValues.ts';
import { ProjectTexts } from './projectTexts.ts';

/**
 * Removes the switch of a flag from the code: every call site gives the kept answer from now on, and what follows from
 * that is simplified away. The result behaves as the code did with the flag fixed to that answer; what cannot be removed
 * safely is left and told. `files` are all files that may mention what the call sites use; only those that change are in
 * the result. The order of `left` is that of the files and of the text.
 */
export function finishRelease(files: readonly RefactorFile[], request: FinishRequest, sites: readonly FlagSite[], parse: Parse): FinishResult {
  const excluded = new Map<number, string>();
  // Every further attempt leaves at least one more site.
  for (;;) {
    const attempt = new Attempt(files, request, sites, parse, excluded);
    const failed = attempt.run();
    if (failed.size === 0) return attempt.result();
    for (const [site, reason] of failed) excluded.set(site, reason);
  }
}

/** What is known to answer yes or no, and variants, which are read as far as they say the same. */
const FINISHED: ReadonlySet<FlagApi> = new Set(['is_enabled', 'get_boolean_value', 'get_variant']);

class Attempt {
  readonly #request: FinishRequest;
  readonly #sites: readonly FlagSite[];
  readonly #parse: Parse;
  readonly #reasons: Map<number, string>;
  readonly #texts: ProjectTexts;
  readonly #variant: KnownVariant;
  readonly #values: WrapperValues;
  readonly #left: Leftover[] = [];
  readonly #functions = new Set<string>();
  readonly #done = new Set<number>();
  /** The calls under `call` marks, by site. */
  readonly #waiting = new Map<number, string>();

  constructor(files: readonly RefactorFile[], request: FinishRequest, sites: readonly FlagSite[], parse: Parse, excluded: ReadonlyMap<number, string>) {
    this.#request = request;
    this.#sites = sites;
    this.#parse = parse;
    this.#reasons = new Map(excluded);
    this.#texts = new ProjectTexts(files);
    const on = request.keep === 'candidate';
    this.#variant = { name: on ? request.variant ?? '' : 'disabled', enabled: on };
    this.#values = new WrapperValues(this.#texts, sites, on, (path) => this.#simplifying(path));
  }

  /** Does it all; gives the sites that must be left for the next attempt to succeed, with the reasons. */
  run(): ReadonlyMap<number, string> {
    for (const path of new Set(this.#sites.map(({ file }) => file))) this.#mark(path);
    this.#resolveWrappers();
    const unread = this.#unreadableVariants();
    if (unread.size > 0) return unread;
    this.#left.push(...cleanProject(this.#texts, this.#functions, this.#parse));
    for (const path of this.#texts.changed()) this.#settle(path);
    for (const path of this.#texts.changed()) {
      if (!inTree(this.#parse, this.#texts.now(path), (_source, hasError) => hasError)) continue;
      const broken = this.#allOf(path, 'the file would have syntax errors without it');
      if (broken.size > 0) return broken;
      // Only what became unused was taken out of it: that may as well stay.
      this.#texts.set(path, this.#texts.before(path));
    }
    return new Map();
  }

  result(): FinishResult {
    const files: FileEdits[] = this.#texts.changed().map((path) => {
      const [before, text] = [this.#texts.before(path), this.#texts.now(path)];
      return { file: path, edits: toReplacements(before, lineDiff(before, text)), text };
    });
    for (const [site, reason] of this.#reasons) {
      const { file, range } = this.#sites[site] ?? {};
      if (file !== undefined && range !== undefined && !(this.#texts.has(file) && this.#isGone(file, range))) this.#left.push({ kind: 'call', file, range, reason });
    }
    const order = (left: Leftover): readonly [string, number, number] => [left.file, left.range.start.line, left.range.start.character];
    const left = this.#left.toSorted((a, b) => compare(order(a), order(b)));
    return { files, left, removed: this.#done.size };
  }

  /** Whether a call that was left went with code that is never reached. */
  #isGone(path: string, { start, end }: Range): boolean {
    // It may stand at another depth now.
    const packed = (text: string): string => text.replace(/\s+/g, '');
    const before = this.#texts.before(path);
    const lines = editorLineStarts(before);
    return !packed(this.#texts.now(path)).includes(packed(before.slice(offsetAt(lines, start), offsetAt(lines, end))));
  }

  #simplifying(path: string): Simplifying {
    return { parse: this.#parse, variant: this.#variant, elsewhere: { referenced: (word) => this.#texts.referencedElsewhere(path, word), attribute: (word) => this.#texts.isAttributeElsewhere(path, word) } };
  }

  /** Why a site cannot be touched at all, whatever stands around it. */
  #refusal(index: number, site: FlagSite): string | undefined {
    const known = this.#reasons.get(index);
    if (known !== undefined) return known;
    if (site.keys.length === 0) return site.reason === undefined ? 'its key is not known' : `its key is not known: ${site.reason}`;
    if (site.keys.length > 1) return 'it asks for one of several flags';
    if (!FINISHED.has(site.api)) return 'it asks for a value other than yes or no';
    if (site.api === 'get_variant' && this.#request.keep === 'candidate' && this.#request.variant === undefined) return 'it asks for a variant, and which one stays is not said';
    return undefined;
  }

  /** The call inside a wrapper asks for what the wrapper is asked for. */
  #isInner({ file, range, keys }: FlagSite): boolean {
    return keys.length === 0 && this.#sites.some(({ wrappers }) => wrappers?.some((wrapper) => wrapper.file === file && sameRange(wrapper.inner, range)));
  }

  #mark(path: string): void {
    const frozen = this.#texts.has(path) ? this.#texts.frozen(path) : 'its file could not be read';
    if (frozen !== undefined) {
      for (const [site, reason] of this.#allOf(path, frozen)) this.#reasons.set(site, reason);
      return;
    }
    const text = this.#texts.now(path);
    const lines = editorLineStarts(text);
    const own = [...this.#sites.entries()].filter(([, site]) => site.file === path && !this.#isInner(site));
    const marked = inTree(this.#parse, text, (source, hasError) => {
      const pass = new Pass(source);
      const broken = hasError ? 'the file has syntax errors' : text.includes(RESERVED) ? `the file uses the reserved name ${RESERVED}` : undefined;
      for (const [site, flagSite] of own) {
        const wrapper = this.#values.of(flagSite);
        const gives = flagSite.api === 'get_variant' && flagSite.wrappers === undefined ? 'variant' as const : wrapper.kind === 'direct' ? this.#request.keep === 'candidate' : wrapper.kind === 'known' ? wrapper.value : undefined;
        const span = { site, start: offsetAt(lines, flagSite.range.start), end: offsetAt(lines, flagSite.range.end), gives };
        const reason = this.#refusal(site, flagSite) ?? broken ?? (wrapper.kind === 'refused' ? wrapper.reason : undefined) ?? markSite(pass, span);
        if (reason !== undefined) {
          // The wrapper itself no longer asks: its call may stay.
          if (wrapper.kind === 'waiting') this.#left.push({ kind: 'value', file: path, range: flagSite.range, reason: `the call of a wrapper stays: ${reason}` });
          else this.#reasons.set(site, reason);
          continue;
        }
        if (gives === undefined) this.#waiting.set(site, text.slice(span.start, span.end));
        else this.#done.add(site);
        for (const name of [...fallbackNames(pass, span), ...wrapper.kind === 'known' ? wrapper.names : []]) this.#functions.add(name);
      }
      this.#effects(path, pass.effects);
      return applySpanEdits(text, pass.edits);
    });
    if (marked !== text) this.#simplify(path, marked);
  }

  #simplify(path: string, text: string): void {
    const { text: now, effects, reasons } = simplify(text, this.#simplifying(path));
    this.#texts.set(path, now);
    this.#effects(path, effects);
    for (const [site, reason] of reasons) this.#valueReasons.set(site, reason);
  }

  readonly #valueReasons = new Map<number, string>();

  #effects(path: string, effects: readonly { readonly site: number; readonly words: string }[]): void {
    for (const { site, words } of effects) {
      const range = this.#sites[site]?.range;
      if (range) this.#left.push({ kind: 'effect', file: path, range, reason: `\`${words.replace(/\s+/g, ' ')}\` stays as a statement, because it may have effects` });
    }
  }

  /** Wrappers that have come to give nothing but the answer: their calls give it too. */
  #resolveWrappers(): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const [site, call] of this.#waiting) {
        const flagSite = this.#sites[site];
        const value = flagSite && this.#values.now(flagSite, call, this.#parse);
        if (!flagSite || value === undefined) continue;
        this.#waiting.delete(site);
        this.#done.add(site);
        const mark = new RegExp(`__modelswitch_call_${site}__`, 'g');
        this.#simplify(flagSite.file, this.#texts.now(flagSite.file).replace(mark, `__modelswitch_${value.gives ? 'on' : 'off'}_${site}__`));
        this.#functions.add(value.name);
        progress = true;
      }
    }
    // The others call functions that no longer ask for the flag.
    for (const [site, call] of this.#waiting) {
      const { file = '' } = this.#sites[site] ?? {};
      this.#texts.set(file, this.#texts.now(file).replaceAll(`__modelswitch_call_${site}__`, () => call));
    }
  }

  /** Sites whose variant is used in a way that cannot be told. */
  #unreadableVariants(): ReadonlyMap<number, string> {
    const reason = 'more is read of the variant than its name and whether it is enabled';
    return new Map(this.#texts.changed().flatMap((path) => [...this.#texts.now(path).matchAll(/__modelswitch_variant_(\d+)__/g)].map(([, site]) => [Number(site), reason] as const)));
  }

  /** Puts values in the place of the marks that are left. */
  #settle(path: string): void {
    const text = this.#texts.now(path);
    const edits = inTree(this.#parse, text, (source) => marksIn(source).map(({ node, mark }) => {
      const value = this.#literal(mark.kind, node, text);
      const reason = this.#valueReasons.get(mark.site);
      const { file = path, range } = this.#sites[mark.site] ?? {};
      if (range) this.#left.push({ kind: 'value', file, range, reason: `\`${value}\` ${placeWords(node.parent?.type ?? '')}${reason === undefined ? '' : `: ${reason}`}` });
      return { start: node.startIndex, end: node.endIndex, text: value };
    }));
    this.#texts.set(path, applySpanEdits(text, edits).replaceAll(GONE, 'pass'));
  }

  #literal(kind: MarkKind, node: SyntaxNode, text: string): string {
    if (kind === 'on' || kind === 'off') return kind === 'on' ? 'True' : 'False';
    return stringLiteral(this.#variant.name, quoteAround(text, node) ?? usualQuote(text));
  }

  #allOf(path: string, reason: string): ReadonlyMap<number, string> {
    return new Map([...this.#sites.entries()].flatMap(([index, { file }]) => (file === path && !this.#reasons.has(index) ? [[index, reason] as const] : [])));
  }
}

function placeWords(parent: string): string {
  switch (parent) {
    case 'return_statement': case 'lambda': return 'is returned in its place';
    case 'argument_list': case 'keyword_argument': return 'is passed on in its place';
    case 'assignment': case 'named_expression': return 'is assigned in its place';
    default: return 'stands in its place';
  }
}

function compare(a: readonly [string, number, number], b: readonly [string, number, number]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1] || a[2] - b[2];
}

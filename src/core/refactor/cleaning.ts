import { editorLineStarts, rangeBetween } from '../callsites/lines.ts';
import { applySpanEdits } from './edits.ts';
import type { Leftover, Parse } from './model.ts';
import { wordPattern, type ProjectTexts } from './projectTexts.ts';
import { inTree } from './python/simplify.ts';
import { cleanOnce, type Unused } from './python/unused.ts';

/** Every step removes something, so this is only for the case that one does not. */
const MAX_STEPS = 500;

/**
 * Removes what nothing uses any more because of a change, in all files; gives what is unused but stays. `functions` are
 * those that may go when nothing mentions them.
 */
export function cleanProject(texts: ProjectTexts, functions: ReadonlySet<string>, parse: Parse): readonly Leftover[] {
  const left = new Map<string, Leftover>();
  const counts = new Map<string, ReadonlyMap<string, number>>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const words = lostWords(texts, counts);
    const paths = texts.paths.filter((path) => texts.frozen(path) === undefined).filter((path) => texts.now(path) !== texts.before(path) || definesOne(texts.now(path), words));
    left.clear();
    const cleaned = paths.map((path) => cleanFile(path, { texts, words, functions, parse }, left)).includes(true);
    if (!cleaned) break;
  }
  return [...left.values()];
}

interface Cleaning {
  readonly texts: ProjectTexts;
  readonly words: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  readonly parse: Parse;
}

function cleanFile(path: string, { texts, words, functions, parse }: Cleaning, left: Map<string, Leftover>): boolean {
  const [text, before] = [texts.now(path), texts.before(path)];
  const project = {
    referencedElsewhere: (word: string) => texts.referencedElsewhere(path, word),
    importReferencedElsewhere: (word: string) => texts.importReferencedElsewhere(path, word),
    isAttributeElsewhere: (word: string) => texts.isAttributeElsewhere(path, word),
    wasUsedElsewhere: (word: string) => texts.referencedElsewhere(path, word, 'before') || texts.isAttributeElsewhere(path, word, 'before'),
  };
  const { pass, left: unused } = inTree(parse, before, (original) => inTree(parse, text, (source) => cleanOnce({ source, original, words, functions, project })));
  for (const { word, reason } of unused) left.set(`${path} ${word}`, leftover(path, before, { word, reason }));
  if (pass.edits.length === 0) return false;
  texts.set(path, applySpanEdits(text, pass.edits));
  return true;
}

function leftover(path: string, before: string, { word, reason }: Unused): Leftover {
  const at = Math.max(0, before.search(new RegExp(`(?<=^[ \\t]*)${word}[ \\t]*[:=]`, 'm')));
  return { kind: 'unused', file: path, range: rangeBetween(editorLineStarts(before), at, at + word.length), reason };
}

/** The words that stand less often in some file than before; `before` remembers how often that was. */
function lostWords(texts: ProjectTexts, before: Map<string, ReadonlyMap<string, number>>): ReadonlySet<string> {
  const lost = new Set<string>();
  for (const path of texts.changed()) {
    const now = wordCounts(texts.now(path));
    const old = before.get(path) ?? wordCounts(texts.before(path));
    before.set(path, old);
    for (const [word, count] of old) if ((now.get(word) ?? 0) < count) lost.add(word);
  }
  return lost;
}

function wordCounts(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(/[\p{ID_Start}_][\p{ID_Continue}]*/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Whether a text assigns one of the words, or defines a function of that name: a cheap look before parsing. */
function definesOne(text: string, words: ReadonlySet<string>): boolean {
  return [...words].some((word) => text.includes(word) && wordPattern(word).test(text) && new RegExp(`^[ \\t]*(?:(?:async[ \\t]+)?def[ \\t]+${word}\\b|${word}[ \\t]*=[^=])`, 'm').test(text));
}

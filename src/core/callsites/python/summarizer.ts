import { editorLineStarts } from '../lines.ts';
import type { DocumentSummary } from '../project/language.ts';
import { SUMMARY_VERSION, type Block, type FileSummary } from '../project/summary.ts';
import type { Source, SyntaxNode } from '../syntax.ts';
import { FileWalk, type KnownBlock, type KnownBlocks } from './walk.ts';

/** Shorter definitions are read again faster than they are looked up. */
const SHORTEST_KEPT = 60;

/**
 * Summaries of the versions of one Python text. Functions and classes are kept by their text: an edit costs as much as the
 * definitions that it touches.
 */
export class PythonDocument implements DocumentSummary {
  #known = new Map<string, KnownBlock>();
  #words: ReadonlySet<string> | undefined;

  summary(source: Source, words?: ReadonlySet<string>): FileSummary {
    // What was left out for fewer words must be read now.
    if (!covers(this.#words, words)) this.#known.clear();
    this.#words = words;
    const known = new Generation(this.#known);
    const module = new FileWalk(source, words && occurrences(source.text, words), known).module();
    this.#known = known.newest;
    return fileSummary(source, module);
  }
}

function fileSummary(source: Source, module: Block): FileSummary {
  return {
    version: SUMMARY_VERSION,
    language: 'python',
    lines: editorLineStarts(source.text),
    module,
    limits: source.root.hasError ? ['The file has syntax errors: what stands in the broken parts may be missing.'] : [],
  };
}

/** Blocks of the version before; only those of the newest version are kept. */
class Generation implements KnownBlocks {
  readonly newest = new Map<string, KnownBlock>();
  readonly #before: ReadonlyMap<string, KnownBlock>;

  constructor(before: ReadonlyMap<string, KnownBlock>) {
    this.#before = before;
  }

  remembered(source: Source, node: SyntaxNode, read: () => KnownBlock): KnownBlock {
    const { startIndex, endIndex } = node;
    if (endIndex - startIndex < SHORTEST_KEPT || node.hasError) return read();
    const text = source.text.slice(startIndex, endIndex);
    const known = this.newest.get(text) ?? this.#before.get(text) ?? read();
    this.newest.set(text, known);
    return known;
  }
}

function covers(old: ReadonlySet<string> | undefined, wanted: ReadonlySet<string> | undefined): boolean {
  if (old === undefined || old === wanted) return true;
  return wanted !== undefined && [...wanted].every((word) => old.has(word));
}

/** Where words occur in a text, in order. */
function occurrences(text: string, words: ReadonlySet<string>): readonly number[] {
  const places: number[] = [];
  for (const word of words) {
    if (word === '') continue;
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) places.push(at);
  }
  return places.sort((a, b) => a - b);
}

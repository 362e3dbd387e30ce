import type { Disposable } from '../../core/base/events.ts';
import { Detection, mayHaveCallSites, type Detector } from '../../core/callsites/detector.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import { applyEdit, type DocumentEdit, type ParsedTree, type SyntaxParser } from './parser.ts';

/** A change as editors report it; a VS Code `TextDocumentContentChangeEvent` is one. */
export interface ContentChange {
  readonly rangeOffset: number;
  readonly rangeLength: number;
  readonly text: string;
}

/** A language that the tracker can read. `loadParser` is called for the first document that needs a tree. */
export interface LanguageSupport {
  readonly detector: Detector;
  readonly loadParser: () => Promise<SyntaxParser>;
}

export interface DocumentCallSites {
  /** The version of the document that the call sites belong to. */
  readonly version: number;
  readonly callSites: readonly CallSite[];
  /** What other files need to know of it; none of a text that names no question. */
  readonly summary?: FileSummary;
}

/**
 * A text up to this many characters is parsed from scratch while it has syntax errors: only then is its tree sure to be
 * the one that its text alone gives. Beyond it a broken text keeps the tree that the edits led to until it is whole again.
 */
const FRESH_PARSE_LIMIT = 300_000;

/** Each edit costs a pass over the text's lines; with more of them (replace all, a branch switched) parsing from scratch is cheaper. */
const MAX_EDITS = 50;

interface TrackedDocument {
  readonly language: LanguageSupport;
  version: number;
  text: string;
  /** The tree with the text that it was parsed from and the edits that came since. */
  parsed: { readonly tree: ParsedTree; readonly text: string; edits: DocumentEdit[] } | undefined;
  detection: Detection;
  /** The answer, once it was asked for, of the newest version, and the names that it looked for. */
  answer: { readonly found: DocumentCallSites; readonly names: ReadonlySet<string> | undefined } | undefined;
}

/**
 * The call sites of open documents. It is told of every change and parses when it is asked, once per version, from the
 * tree of the version asked before. A text that names no method of interest is never parsed and keeps no tree.
 */
export class CallSiteTracker implements Disposable {
  readonly #languages: readonly LanguageSupport[];
  readonly #documents = new Map<string, TrackedDocument>();
  readonly #parsers = new Map<LanguageSupport, Promise<SyntaxParser>>();

  constructor(languages: readonly LanguageSupport[]) {
    this.#languages = languages;
  }

  /** Whether call sites can be found in documents of this language. */
  supports(languageId: string): boolean {
    return this.#languages.some(({ detector }) => detector.languages.includes(languageId));
  }

  /** Starts to track a document, or starts anew with it. Documents of other languages are ignored. */
  open(uri: string, languageId: string, version: number, text: string): void {
    this.close(uri);
    const language = this.#languages.find(({ detector }) => detector.languages.includes(languageId));
    if (!language) return;
    this.#documents.set(uri, { language, version, text, parsed: undefined, detection: new Detection(language.detector), answer: undefined });
  }

  /**
   * Takes the new text of a document with the changes that led to it, all in the coordinates of the old text, as VS Code
   * reports them. When the changes do not lead to the text (one was missed, line endings were converted), the next parse
   * starts from scratch.
   */
  change(uri: string, version: number, text: string, changes: readonly ContentChange[]): void {
    this.changes(uri, version, text, [changes]);
  }

  /** The same for several events, each in the coordinates of the text that the one before it left. */
  changes(uri: string, version: number, text: string, events: readonly (readonly ContentChange[])[]): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    const edits = events.flatMap(editsOf);
    if (document.parsed) {
      const few = document.parsed.edits.length + edits.length <= MAX_EDITS;
      if (few && edits.reduce(applyEdit, document.text) === text) document.parsed.edits.push(...edits);
      else this.#forgetTree(document);
    }
    document.version = version;
    document.text = text;
    document.answer = undefined;
  }

  /**
   * The call sites of the newest version that the tracker was told of, as far as the document alone tells; undefined when it is not tracked.
   * @param names of wrappers that its folder has: a document that holds one may have call sites
   * @throws AppError internal when the parser cannot be loaded; the next call tries again
   */
  async callSites(uri: string, names?: ReadonlySet<string>): Promise<DocumentCallSites | undefined> {
    const asked = this.#documents.get(uri);
    if (!asked || isAnswered(asked, names)) return asked?.answer?.found;
    const parser = mayHaveCallSites(asked.language.detector, asked.text, names) ? await this.#parser(asked.language) : undefined;
    // While the parser loaded the document may have changed, been closed or been opened anew.
    const document = this.#documents.get(uri);
    if (document !== asked) return this.callSites(uri, names);
    if (!isAnswered(document, names)) document.answer = { found: this.#answer(document, parser, names), names };
    return document.answer?.found;
  }

  /** Ends the tracking of a document and frees its tree. */
  close(uri: string): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    this.#forgetTree(document);
    this.#documents.delete(uri);
  }

  dispose(): void {
    for (const uri of [...this.#documents.keys()]) this.close(uri);
  }

  #answer(document: TrackedDocument, parser: SyntaxParser | undefined, names: ReadonlySet<string> | undefined): DocumentCallSites {
    const { version, text, language } = document;
    if (!parser || !mayHaveCallSites(language.detector, text, names)) {
      this.#forgetTree(document);
      return { version, callSites: [] };
    }
    const tree = this.#parse(document, parser);
    return { version, ...document.detection.read({ text, root: tree.root }, names) };
  }

  #parse(document: TrackedDocument, parser: SyntaxParser): ParsedTree {
    const { parsed, text } = document;
    if (parsed && parsed.edits.length === 0) return parsed.tree;
    if (parsed) {
      document.parsed = undefined;
      const tree = parser.reparse(parsed.tree, parsed.text, parsed.edits, text);
      document.parsed = { tree, text, edits: [] };
      if (!tree.hasError || text.length > FRESH_PARSE_LIMIT) return tree;
      this.#dropTree(document);
    }
    const tree = parser.parse(text);
    document.parsed = { tree, text, edits: [] };
    return tree;
  }

  #dropTree(document: TrackedDocument): void {
    document.parsed?.tree.delete();
    document.parsed = undefined;
  }

  #forgetTree(document: TrackedDocument): void {
    this.#dropTree(document);
    document.detection = new Detection(document.language.detector);
  }

  #parser(language: LanguageSupport): Promise<SyntaxParser> {
    const known = this.#parsers.get(language);
    if (known) return known;
    const loading = language.loadParser().catch((error: unknown) => {
      this.#parsers.delete(language);
      throw error;
    });
    this.#parsers.set(language, loading);
    return loading;
  }
}

function isAnswered({ answer }: TrackedDocument, names: ReadonlySet<string> | undefined): boolean {
  return answer !== undefined && answer.names === names;
}

/** Changes of one event are in the coordinates of the text before all of them: made last first, none moves another. */
function editsOf(changes: readonly ContentChange[]): DocumentEdit[] {
  return [...changes].sort((a, b) => b.rangeOffset - a.rangeOffset).map(({ rangeOffset, rangeLength, text }) => ({
    start: rangeOffset,
    oldEnd: rangeOffset + rangeLength,
    newEnd: rangeOffset + text.length,
    inserted: text,
  }));
}

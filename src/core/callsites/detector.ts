import { Linker, NO_SETTINGS } from './project/linker.ts';
import { ModuleRef } from './project/blocks.ts';
import { Program } from './project/program.ts';
import type { DocumentSummary, Summarizer } from './project/language.ts';
import type { FileSummary } from './project/summary.ts';
import type { CallSite } from './model.ts';
import type { Source } from './syntax.ts';

/** Finds call sites in one language. Pure: it sees a text with its tree and nothing else. */
export interface Detector {
  /** VS Code language identifiers of the documents it reads. */
  readonly languages: readonly string[];
  readonly summarizer: Summarizer;
}

/** Whether a text can hold a call site: those that cannot need no tree. `names` are those of wrappers that the folder has. */
export function mayHaveCallSites({ summarizer }: Detector, text: string, names: Iterable<string> = []): boolean {
  if (summarizer.words.some((word) => text.includes(word))) return true;
  for (const name of names) if (name !== '' && text.includes(name)) return true;
  return false;
}

/** Longer chains of wrappers within one document than this many new names at a time are not read again. */
const MAX_ROUNDS = 4;

/** One document, kept from version to version so that only what changed is looked at again. */
export class Detection {
  readonly #summarizer: Summarizer;
  readonly #document: DocumentSummary;
  #words: ReadonlySet<string>;

  constructor({ summarizer }: Detector) {
    this.#summarizer = summarizer;
    this.#document = summarizer.open();
    this.#words = new Set(summarizer.words);
  }

  /**
   * The summary of the newest version, as far as the document's own calls need it. `names` are further names to look for. With it
   * the call sites that the document has when nothing else is known.
   */
  read(source: Source, names: ReadonlySet<string> = NO_NAMES): { readonly summary: FileSummary; readonly callSites: readonly CallSite[] } {
    if ([...names].some((name) => !this.#words.has(name))) this.#words = new Set([...this.#words, ...names]);
    let summary = this.#document.summary(source, this.#words);
    let linker = this.#link(summary);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const more = [...linker.names].filter((name) => !this.#words.has(name));
      if (more.length === 0) break;
      this.#words = new Set([...this.#words, ...more]);
      summary = this.#document.summary(source, this.#words);
      linker = this.#link(summary);
    }
    return { summary, callSites: linker.sitesIn(ALONE) };
  }

  #link(summary: FileSummary): Linker {
    const program = new Program({ paths: new Set(), roots: new Set() });
    program.set(new ModuleRef(ALONE, summary, this.#summarizer.rules));
    return new Linker(program, NO_SETTINGS);
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();
/** The path of a document that is linked by itself. */
const ALONE = '';

/** The call sites of a text that is looked at once. */
export function detectOnce(detector: Detector, source: Source): readonly CallSite[] {
  return new Detection(detector).read(source).callSites;
}

import type { CallSite } from './model.ts';
import type { Source, Span, TextEdit } from './syntax.ts';

/** Finds call sites in one language. Pure: it sees a text with its tree and nothing else. */
export interface Detector {
  /** VS Code language identifiers of the documents it reads. */
  readonly languages: readonly string[];
  /** Cheap test for texts that cannot hold a call site: those need no tree. */
  mayHaveCallSites(text: string): boolean;
  /** Starts on one document. */
  open(): Detection;
}

/** What is known of one document, kept from version to version so that only what changed is looked at again. */
export interface Detection {
  /**
   * The text changed. `edits` are in the order in which they were made, each in the coordinates left by those before it;
   * `reparsed` are the spans of the new text in which the tree's structure differs from the old tree's.
   */
  change(edits: readonly TextEdit[], reparsed: readonly Span[]): void;
  /** The call sites of the document in the order of the text. `source` is the newest version. */
  callSites(source: Source): readonly CallSite[];
}

/** The call sites of a text that is looked at once. */
export function detectOnce(detector: Detector, source: Source): readonly CallSite[] {
  return detector.open().callSites(source);
}

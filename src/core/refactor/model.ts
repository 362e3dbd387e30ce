import type { FlagApi, Range } from '../callsites/model.ts';
import type { Source } from '../callsites/syntax.ts';

/** A file of the project as it stands in the editor or else on disk. */
export interface RefactorFile {
  /** Names the file in results; for people it should be relative to the workspace. */
  readonly path: string;
  readonly text: string;
  /** Why nothing in it can be changed, as a clause; what it says of others counts. */
  readonly frozen?: string;
}

/** Replaces the characters of `range` by `text`; positions are 0-based and count UTF-16 code units. */
export interface TextReplacement {
  readonly range: Range;
  readonly text: string;
}

/** A parsed text. It lives in the parser's heap: `delete` it. */
export interface ParsedText {
  readonly root: Source['root'];
  readonly hasError: boolean;
  delete(): void;
}

/** The parser of the language, given by whoever calls. */
export type Parse = (text: string) => ParsedText;

/** A function or method between a call site and the SDK's call, as the index of call sites finds it. */
export interface WrapperRef {
  readonly file: string;
  /** Where the name of the function is defined. */
  readonly definition: Range;
  /** The call in its body that asks: of the SDK, or of the next wrapper in the chain. */
  readonly inner: Range;
}

/** Where a flag is evaluated: what the index of call sites tells. */
export interface FlagSite {
  readonly file: string;
  /** The whole call expression; for a property that wraps the call, the attribute. */
  readonly range: Range;
  readonly api: FlagApi;
  /** The keys that it may ask for; empty when they are not known. */
  readonly keys: readonly string[];
  readonly via: string;
  /** Why the key is not known. */
  readonly reason?: string;
  /** For `via: wrapper`: the definitions that the call goes through, outermost first. */
  readonly wrappers?: readonly WrapperRef[];
}

export type Keep = 'candidate' | 'current';

export interface FinishRequest {
  readonly flag: string;
  /** What stays: `candidate` takes the flag as on for everybody, `current` as off. */
  readonly keep: Keep;
  /** The variant that `get_variant` gives from now on, when the candidate is kept and it is known. */
  readonly variant?: string;
}

/**
 * What a person should look at, with the place in the text before the change. `call`: the call was left as it is;
 * `value`: the call is gone, but `True` or `False` stands where its answer was used; `effect`: an argument stayed because
 * it may do something; `unused`: a name that nothing uses any more, left because removing it may not be safe.
 */
export interface Leftover {
  readonly kind: 'call' | 'value' | 'effect' | 'unused';
  readonly file: string;
  readonly range: Range;
  /** A clause in plain English. */
  readonly reason: string;
}

export interface FileEdits {
  readonly file: string;
  readonly edits: readonly TextReplacement[];
  /** The text after the edits. */
  readonly text: string;
}

export interface FinishResult {
  readonly files: readonly FileEdits[];
  readonly left: readonly Leftover[];
  /** How many call sites are gone. */
  readonly removed: number;
}

/**
 * What detection says about a document. All positions are 0-based and count as editors do: a line ends with LF, CRLF or
 * a lone CR, a column is a number of UTF-16 code units (an emoji before a call on its line counts two).
 */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** From `start` up to, and without, `end`. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** The questions that an SDK answers about a flag, by their Python names: two of Unleash, the rest of OpenFeature. */
export type FlagApi =
  | 'is_enabled'
  | 'get_variant'
  | `get_${'boolean' | 'string' | 'integer' | 'float' | 'object'}_${'value' | 'details'}`;

/**
 * Why a key cannot be known from the file: what it is bound to (`parameter`, `imported`, `loop`, ...), how often or under
 * what condition it is assigned, or that it is an expression which detection does not evaluate.
 */
export type DynamicCause =
  | 'parameter'
  | 'imported'
  | 'reassigned'
  | 'conditional'
  | 'undefined'
  | 'expression'
  | 'missing'
  | 'notText';

/** `reason` is a clause in plain English that fits after "dynamic key: ", with the source's own words in backquotes. */
export interface DynamicKey {
  readonly kind: 'dynamic';
  readonly cause: DynamicCause;
  readonly reason: string;
}

/** `literal`: written in the call itself; `constant`: reached through at least one name. */
export interface KnownKey {
  readonly kind: 'literal' | 'constant';
  readonly value: string;
  /** Where the name that stands for the key is given its value. */
  readonly definition?: Location;
}

export type FlagKey = KnownKey | DynamicKey;

/**
 * How the call asks for the flag: `direct`, the key in a call of the SDK; `constant`, a call of the SDK with a name for the
 * key; `wrapper`, a call of a function of the project that asks the SDK; `dynamic`, the key cannot be known.
 */
export type Via = 'direct' | 'constant' | 'wrapper' | 'dynamic';

/** A place in a file of the folder; `path` is relative with forward slashes. */
export interface Location {
  readonly path: string;
  readonly range: Range;
}

/** One place where a flag is evaluated. */
export interface CallSite {
  readonly api: FlagApi;
  /** The key; where a condition chooses between several, the first of `keys`. */
  readonly key: FlagKey;
  /** All keys that the call may ask for: none when the key is dynamic, several when a condition chooses. */
  readonly keys: readonly KnownKey[];
  readonly via: Via;
  /** The whole call, from the first character of its receiver to the closing bracket. A lens belongs to its first line. */
  readonly range: Range;
  /** The name of the method or function in the call. */
  readonly nameRange: Range;
  /** The argument that is the key; undefined when the call has none that can be told apart (`*args`, a wrapper of one fixed key). */
  readonly keyRange: Range | undefined;
  /** Which further arguments are written out, by position or keyword. */
  readonly arguments: { readonly context: boolean; readonly fallback: boolean };
  /** The function of the project that is called, when the call goes through one. */
  readonly wrapper?: Location & { readonly name: string };
  /** All functions that the call goes through, outermost first, when there is one way from it to the SDK. */
  readonly through?: readonly WrapperStep[];
  /** Present on a dynamic call whose key the callers of the functions around choose: their calls are call sites themselves. */
  readonly upToCallers?: true;
  /** The named functions and classes around the call, as `Scorer.predict`; none at the level of the module. */
  readonly within?: string;
}

/** A function between a call and the SDK: where its name is defined, and the call in it that asks, or leads to the next. */
export interface WrapperStep extends Location {
  readonly name: string;
  readonly inner: Range;
}

/**
 * What a language says about one file, once, so that call sites can be found across files without its text and tree:
 * immutable plain data that may be cached, sent to another thread or written as JSON. Nothing here is resolved: names stay
 * names until the linker looks them up.
 *
 * All offsets are UTF-16 code units counted from the start of the block they stand in (the module's is 0), so the summary of a
 * function or class is the same wherever it stands and can be kept for as long as its text is.
 */
export type Expression =
  | { readonly kind: 'text'; readonly value: string }
  /** A decimal whole number: no key by itself, but it may fill a hole of a text or be an index. */
  | { readonly kind: 'integer'; readonly digits: string }
  /** `None`, `null`, `undefined`: a placeholder for what is assigned elsewhere. */
  | { readonly kind: 'none' }
  | { readonly kind: 'name'; readonly name: string }
  /** The object that a method belongs to: `self`, `cls`, `this`. */
  | { readonly kind: 'this'; readonly name: string }
  /** The object that a method belongs to, seen as its base class: `super()`. */
  | { readonly kind: 'super' }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  /** `object[key]` */
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression; readonly words: string }
  /** `args` is undefined when the expression was too deep to keep them. */
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: readonly Argument[] | undefined }
  /** Parts that make one string; `formatted` parts come from the holes of a template. */
  | { readonly kind: 'join'; readonly parts: readonly { readonly formatted: boolean; readonly value: Expression }[] }
  /** One of several values: by a condition (`either`), or by whether the ones before are empty (`or`), or are not (`and`). */
  | { readonly kind: 'choice'; readonly by: 'either' | 'or' | 'and'; readonly options: readonly Expression[] }
  /** A dictionary or object literal. `open`: more entries come from elsewhere (`**other`). */
  | { readonly kind: 'record'; readonly entries: readonly { readonly key: Expression; readonly value: Expression }[]; readonly open: boolean; readonly words: string }
  /** A list or tuple literal. */
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly words: string }
  /** A function without a name; `block` is its place in the `blocks` of the block in which the expression stands. */
  | { readonly kind: 'lambda'; readonly block: number; readonly words: string }
  /** A value that is certainly no object of a class: a number, comprehension, comparison, ... */
  | { readonly kind: 'plain'; readonly words: string }
  | { readonly kind: 'other'; readonly words: string };

export interface Argument {
  /** By keyword. */
  readonly name?: string;
  /** `*value` is `list`, `**value` is `record`. */
  readonly spread?: 'list' | 'record';
  readonly value: Expression;
  /** Where the value stands; only in the arguments of a `Call`. */
  readonly start?: number;
  readonly end?: number;
}

/** The dotted names in an annotation (`Optional`, `app.flags.Client`), in order. */
export type TypeNames = readonly string[];

/** What binds a name in a block. `at` is where the name stands. */
export type Binding = { readonly name: string; readonly at: number } & (
  /** Without a value only declared. `direct`: a statement of its own, under no condition and in no loop. */
  | { readonly kind: 'assign'; readonly value?: Expression; readonly type?: TypeNames; readonly direct: boolean }
  /** `rest`: collects the remaining arguments, by position (`list`) or by keyword (`record`). */
  | { readonly kind: 'parameter'; readonly type?: TypeNames; readonly fallback?: Expression; readonly rest?: 'list' | 'record'; readonly keywordOnly?: boolean }
  /**
   * `from module import imported as name`. Without `imported` the module itself; `first`: only the first part of the dotted
   * module is bound (`import a.b` binds `a`).
   */
  | { readonly kind: 'import'; readonly module: string; readonly imported?: string; readonly first?: boolean }
  /** A function or class; `block` is its place in `blocks`. */
  | { readonly kind: 'block'; readonly block: number; readonly direct: boolean }
  /** Bound in another way: `words` say how, as the end of "`KEY` is ..."; `value` is what it was taken from (`with value as name`, `:=`). */
  | { readonly kind: 'bound'; readonly words: string; readonly value?: Expression }
);

/** `object.name = value`, or only declared. */
export interface MemberAssignment {
  readonly name: string;
  readonly at: number;
  readonly object: Expression;
  readonly value?: Expression;
  readonly type?: TypeNames;
  readonly direct: boolean;
}

/** A call, whatever it calls: whether it asks for a flag is found by linking. */
export interface Call {
  /** The last name of what is called: `is_enabled` in `self.client.is_enabled(...)`. */
  readonly name: string;
  /** Where that name stands. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
  readonly callee: Expression;
  readonly args: readonly Argument[];
  /** Whether its result is what the function around it answers: `return client.is_enabled("a")`, `if ...: return True`. */
  readonly answers: boolean;
}

/** A scope: the module, a class, a function. Blocks lie in each other. */
export interface Block {
  readonly kind: 'module' | 'class' | 'function' | 'lambda' | 'comprehension';
  /** Empty for what has no name. */
  readonly name: string;
  readonly bindings: readonly Binding[];
  readonly members: readonly MemberAssignment[];
  readonly calls: readonly Call[];
  readonly blocks: readonly { readonly start: number; readonly block: Block }[];
  /** Names that the block binds in a scope around it: `global`, `nonlocal`. */
  readonly outer: readonly { readonly name: string; readonly scope: 'global' | 'nonlocal' }[];
  /** `from module import *`, `export * from module`. */
  readonly stars: readonly { readonly module: string; readonly at: number }[];
  /** Last names of objects whose items are changed (`KEYS["a"] = ...`, `KEYS.update(...)`). */
  readonly changed: readonly string[];
  /** Calls in the head of a function or class (defaults, bases): they belong to the scope around it. */
  readonly head: readonly Call[];
  readonly decorators: readonly Expression[];
  /** Of a function: how it is called and what it gives. */
  readonly function?: FunctionFacts;
  /** Of a class: what it inherits from. */
  readonly bases?: readonly Expression[];
}

export interface FunctionFacts {
  /** Whether the first parameter is the object that the function is called on: methods and class methods, not static ones. */
  readonly receiver: boolean;
  /** Whether reading the attribute calls it: properties. */
  readonly property: boolean;
  readonly returns?: TypeNames;
  /** The expressions that it returns, as far as they are simple. */
  readonly results: readonly Expression[];
  /** Whether its body does nothing: `...`, `pass`, `raise NotImplementedError`. */
  readonly empty: boolean;
}

/** What a module is as a whole (`module.exports = value`), in `exports`: it stands for the module where that is imported. */
export const WHOLE_EXPORT = '=';

/** Whether a name is the summary's own, for what has none in the text, such as a parameter that is taken apart at once. */
export function isHidden(name: string): boolean {
  return name.includes('*');
}

export interface FileSummary {
  /** Raised when the meaning of a summary changes: older ones in a cache are thrown away. */
  readonly version: typeof SUMMARY_VERSION;
  /** The `id` of the language that made it. */
  readonly language: string;
  /** Offsets at which the lines of the text start. */
  readonly lines: readonly number[];
  readonly module: Block;
  /**
   * The names under which others see what the module binds, where those differ from its own names (`export {a as b}`); undefined
   * when every name of the module can be imported.
   */
  readonly exports?: readonly { readonly name: string; readonly local: string }[];
  /** For texts of several pieces (the cells of a notebook): the first line of each and its number, which counts from 1. */
  readonly cells?: readonly { readonly line: number; readonly cell: number }[];
  /** What could not be read, as whole sentences. */
  readonly limits: readonly string[];
}

export const SUMMARY_VERSION = 1;

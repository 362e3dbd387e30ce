import type { BlockRef, ModuleRef } from './blocks.ts';
import type { Argument, Expression } from './summary.ts';

/** Where an expression is looked up: its block, and what is known of the calls that lead there. */
export interface Place {
  readonly block: BlockRef;
  readonly frames: readonly Frame[];
}

/** A call of a function that is being followed. */
export interface Frame {
  readonly function: BlockRef;
  /** Undefined when only the object is known. */
  readonly given: Given | undefined;
  /** What the function was called on. */
  readonly self: Thing | undefined;
}

/** An argument with the place at which it was written. */
export interface PlacedArgument {
  readonly argument: Argument;
  readonly at: Place;
}

/** The arguments of a call. */
export interface Given {
  readonly args: readonly PlacedArgument[];
  /** How many leading parameters are bound already: the object of a method. */
  readonly skip: number;
}

/** What an expression stands for, as far as code outside of values is concerned. */
export type Thing =
  | { readonly kind: 'module'; readonly module: ModuleRef }
  | { readonly kind: 'folder'; readonly from: ModuleRef; readonly path: string }
  /** Something that is imported from a package, with the dotted name in it. */
  | { readonly kind: 'outside'; readonly module: string; readonly name: string | undefined }
  | { readonly kind: 'class'; readonly class: BlockRef }
  | {
    readonly kind: 'instance';
    readonly class: BlockRef;
    /** The arguments of the constructor; without them the object may also be one of an heir. */
    readonly made: readonly PlacedArgument[] | undefined;
    /** Seen as its base classes: `super()`. */
    readonly above: boolean;
  }
  | { readonly kind: 'function'; readonly function: BlockRef; readonly self: Thing | undefined; readonly frames: readonly Frame[] }
  | { readonly kind: 'partial'; readonly of: readonly Thing[]; readonly args: readonly PlacedArgument[] }
  | { readonly kind: 'enumMember'; readonly class: BlockRef; readonly name: string }
  /** A bound method of something that is no class of the folder: `client.is_enabled` without a call. */
  | { readonly kind: 'method'; readonly object: Expression; readonly name: string; readonly at: Place }
  | { readonly kind: 'value'; readonly value: Expression; readonly at: Place; readonly name: string | undefined };

export function placeIn(block: BlockRef, frames: readonly Frame[] = []): Place {
  return { block, frames };
}

export function placed(args: readonly Argument[], at: Place): readonly PlacedArgument[] {
  return args.map((argument) => ({ argument, at }));
}

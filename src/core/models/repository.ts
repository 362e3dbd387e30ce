/** A commit as the repository here knows it. */
export interface CommitFacts {
  /** The whole id. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly subject: string;
  /** How many commits HEAD has that this one has not; and how many this one has that HEAD has not: 0 when it is one of HEAD's own past. */
  readonly behind: number;
  readonly ahead: number;
}

/** What is known of a commit id that a run names. */
export type CommitState =
  | { readonly kind: 'known'; readonly commit: CommitFacts }
  /** A sentence: why it is not known, and what to do. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface CommitLine {
  readonly id: string;
  readonly time: number;
  readonly subject: string;
}

/** The past of a folder's files. Paths are relative to that folder, with forward slashes. Every failure is an `AppError`. */
export interface Repository {
  /** Undefined while there is no commit yet. */
  head(signal?: AbortSignal): Promise<string | undefined>;
  commit(id: string, signal?: AbortSignal): Promise<CommitState>;
  /** The bytes of a file at a commit; undefined where there is none. */
  file(commit: string, path: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Commits after `from` on the way to `to` that change one of the paths, oldest first, at most `most`. */
  changes(from: string, to: string, paths: readonly string[], most: number, signal?: AbortSignal): Promise<CommitLine[]>;
  /** Files that differ between two commits, at most 10,000; below `paths`, when there are any. */
  changedFiles(from: string, to: string, paths?: readonly string[], signal?: AbortSignal): Promise<string[]>;
  /** MD5 of bytes, lower-case hexadecimal: what DVC compares files by. */
  md5(bytes: Uint8Array): Promise<string>;
  /** Files that differ between HEAD and the working tree, untracked ones among them. */
  uncommitted(signal?: AbortSignal): Promise<string[]>;
}

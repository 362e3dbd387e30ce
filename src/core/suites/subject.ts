import type { Json } from './json.ts';
import type { Row } from './model.ts';

/** Why a row has no answer. `status` is HTTP's, or what a program says in its place. */
export interface Failure {
  readonly failed: 'status' | 'timeout' | 'crash' | 'unreachable' | 'garbage' | 'missing' | 'notFinite';
  /** A sentence; where a process ended it holds the end of its error stream. */
  readonly message: string;
  readonly status?: number;
}

/** An answer as the subject gave it, as if to this one row. */
export interface Answered {
  readonly document: Json;
}

export type RawAnswer = Answered | Failure;

/** Which version answered: established, or the reason why nobody knows. */
export type VersionState =
  | { readonly kind: 'established'; readonly version: string; readonly by: string }
  | { readonly kind: 'unverified'; readonly reason: string };

/** Something that predicts: a server, a process, a version of the registry. */
export interface Subject {
  /** For people: the address, the callable, the version; no credentials. */
  readonly name: string;
  /** Rows that one request takes at most, and requests at the same time. */
  readonly batchSize: number;
  readonly concurrency: number;
  /** JSONPath of the answer where the suite does not say. */
  readonly answerPath: string;
  /** Starts what is asked, where it is to be started. @throws AppError when it cannot be; nothing is left behind then */
  start(signal: AbortSignal): Promise<void>;
  /**
   * The answers to these rows, which have the same columns in the same order. A fault is an answer, not an exception.
   * @throws AppError cancelled
   */
  predict(rows: readonly Row[], signal: AbortSignal): Promise<readonly RawAnswer[]>;
  /** By all answers so far. */
  version(): VersionState;
  /** Ends what was started: no process and no port is left. It never throws and may be called twice. */
  close(): Promise<void>;
}

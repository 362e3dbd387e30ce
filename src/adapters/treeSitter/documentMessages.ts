import type { CallSite } from '../../core/callsites/model.ts';
import type { FailedReply } from '../node/askedThread.ts';
import type { ParserFiles } from '../workspaceIndex/languages.ts';
import type { ContentChange } from './tracker.ts';

/** What a thread of `documents.worker.ts` is started with. */
export interface DocumentThreadData {
  readonly parser: ParserFiles;
}

/** A document's text as it is now, with what led to it from the one that was told before. */
export interface DocumentText {
  readonly languageId: string;
  readonly version: number;
  readonly text: string;
  /** Event by event; undefined when nothing was told before. */
  readonly changes: readonly (readonly ContentChange[])[] | undefined;
}

export type DocumentRequest =
  /** Asks for the call sites; `current` where the text is other than what was told last, `names` where those of the folder are. */
  | { readonly kind: 'read'; readonly id: number; readonly uri: string; readonly current: DocumentText | undefined; readonly names: readonly string[] | undefined }
  | { readonly kind: 'close'; readonly uri: string };

export type DocumentReply =
  /** The call sites by what the document alone tells, and its `FileSummary` as `v8.serialize` writes it. */
  | { readonly kind: 'read'; readonly id: number; readonly callSites: readonly CallSite[]; readonly summary: Uint8Array | undefined }
  | FailedReply;

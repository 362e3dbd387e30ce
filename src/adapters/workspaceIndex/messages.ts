import type { CallSite } from '../../core/callsites/model.ts';
import type { CallSiteSettings } from '../../core/callsites/project/linker.ts';
import type { FileLimit, FileReading, IndexProgress } from '../../core/callsites/project/projectIndex.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import type { FailedReply } from '../node/askedThread.ts';
import type { CachePlace } from '../node/diskCache.ts';
import type { ParserFiles } from './languages.ts';

/** What a thread of `index.worker.ts` is started with that reads files for an index elsewhere. */
export interface ReaderThreadData {
  readonly role: 'reader';
  readonly folder: string;
  readonly parser: ParserFiles;
  readonly cache: CachePlace | undefined;
}

/** What a thread of `index.worker.ts` is started with that holds an index itself. */
export interface IndexThreadData {
  readonly role: 'index';
  readonly folder: string;
  readonly parser: ParserFiles;
  readonly settings: CallSiteSettings;
  readonly exclude: readonly string[];
  /** The file that the thread runs, for its own threads. */
  readonly script: string;
  /** Where summaries may be kept; without it nowhere. */
  readonly cacheFolder?: string;
}

export type ReaderRequest =
  | { readonly kind: 'read'; readonly id: number; readonly paths: readonly string[]; readonly words: readonly string[]; readonly all: boolean };

export type ReaderReply =
  | { readonly kind: 'readings'; readonly id: number; readonly readings: readonly FileReading[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

export type IndexRequest =
  /** Lists the folder and reads all of it; `cancel` stops it. */
  | { readonly kind: 'scan'; readonly id: number }
  | { readonly kind: 'update'; readonly id: number; readonly changed: readonly string[]; readonly removed: readonly string[] }
  /** A document that is open in an editor, by its `FileSummary` as `v8.serialize` writes it, or closed (no summary); the answer are its call sites. */
  | { readonly kind: 'document'; readonly id: number; readonly path: string; readonly summary: Uint8Array | undefined; readonly cells: FileSummary['cells'] | undefined }
  | { readonly kind: 'sites'; readonly id: number; readonly flag: string | undefined }
  /** What is other than at the answer with this revision; everything for 0. */
  | { readonly kind: 'changes'; readonly id: number; readonly since: number }
  | { readonly kind: 'limits'; readonly id: number }
  | { readonly kind: 'cancel'; readonly id: number };

export interface PlacedSite {
  readonly path: string;
  readonly site: CallSite;
}

/** The call sites of a file as they are now; none when it has none any more. */
export interface FileSites {
  readonly path: string;
  readonly sites: readonly CallSite[];
  readonly cells?: FileSummary['cells'];
}

export interface SiteChanges {
  readonly revision: number;
  /** Whether everything is told anew, with this answer and those that follow it: what is known beside it is out of date. */
  readonly whole: boolean;
  readonly files: readonly FileSites[];
  /** There is more to tell, to a question with this answer's revision. */
  readonly more: boolean;
}

export type IndexReply =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'callSites'; readonly id: number; readonly sites: readonly CallSite[] }
  | { readonly kind: 'sites'; readonly id: number; readonly sites: readonly PlacedSite[] }
  | { readonly kind: 'changes'; readonly id: number; readonly changes: SiteChanges }
  | { readonly kind: 'limits'; readonly id: number; readonly limits: readonly FileLimit[] }
  | FailedReply
  /** Told without being asked. */
  | { readonly kind: 'progress'; readonly progress: IndexProgress }
  | { readonly kind: 'changed'; readonly names: readonly string[] };

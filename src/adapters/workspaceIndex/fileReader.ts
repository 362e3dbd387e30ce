import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fingerprintOf, mayHold, soughtWord, type SoughtWord } from '../../core/callsites/project/fingerprint.ts';
import type { FileReader, FileReading } from '../../core/callsites/project/projectIndex.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import type { SyntaxParser } from '../treeSitter/parser.ts';
import type { LanguageSupport } from '../treeSitter/tracker.ts';
import { readNotebook } from './notebook.ts';
import type { SummaryCache } from './summaryCache.ts';

/** Larger files are generated, not written. */
const LARGEST = 5_000_000;
/** Cancelling and other messages are heard after this many files. */
const FILES_AT_A_TIME = 32;

export const NOTEBOOK = '.ipynb';

/** Reads files of a folder in this thread. */
export class LocalReader implements FileReader {
  readonly #folder: string;
  readonly #languages: readonly LanguageSupport[];
  readonly #parsers = new Map<LanguageSupport, SyntaxParser>();
  readonly #cache: SummaryCache | undefined;

  constructor(folder: string, languages: readonly LanguageSupport[], cache: SummaryCache | undefined) {
    this.#folder = folder;
    this.#languages = languages;
    this.#cache = cache;
  }

  async read(paths: readonly string[], { words, all }: { readonly words: readonly string[]; readonly all: boolean }, onReading: (reading: FileReading) => void, signal: AbortSignal): Promise<void> {
    const sought = words.map(soughtWord);
    for (const [index, path] of paths.entries()) {
      if (index % FILES_AT_A_TIME === FILES_AT_A_TIME - 1) await setImmediate();
      signal.throwIfAborted();
      onReading(await this.#file(path, sought, all));
    }
  }

  async #file(path: string, words: readonly SoughtWord[], all: boolean): Promise<FileReading> {
    const language = this.#languages.find(({ detector: { summarizer } }) => path.endsWith(NOTEBOOK) ? summarizer.rules.id === 'python' : summarizer.endings.some((ending) => path.endsWith(ending)));
    if (!language) return { path, hash: '', limit: 'The file is in no language that is read.' };
    let bytes: Buffer;
    try {
      const file = `${this.#folder}/${path}`;
      const { size } = statSync(file);
      if (size > LARGEST) return { path, hash: '', limit: `The file has ${(size / 1e6).toFixed(1)} MB; files over ${LARGEST / 1e6} MB are not searched.` };
      bytes = readFileSync(file);
    } catch (error) {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return isGone ? { path, hash: undefined } : { path, hash: '', limit: `The file cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
    const fingerprint = fingerprintOf(bytes);
    if (!all && !words.some((sought) => mayHold(fingerprint, sought) && bytes.includes(sought.word))) return { path, hash: '', fingerprint };
    const hash = createHash('sha256').update(bytes).digest('hex');
    try {
      const summary = await this.#summary(language, path, bytes, hash);
      return { path, hash, fingerprint, summary, ...(isUtf8(bytes) ? {} : { limit: 'The file is not UTF-8: keys with characters beyond ASCII may be wrong.' }) };
    } catch (error) {
      return { path, hash, fingerprint, limit: `The file cannot be understood: ${error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error)}` };
    }
  }

  async #summary(language: LanguageSupport, path: string, bytes: Buffer, hash: string): Promise<FileSummary> {
    // The same content is another thing in another language.
    const key = `${path.endsWith(NOTEBOOK) ? 'notebook' : language.detector.summarizer.rules.id}-${hash}`;
    const known = this.#cache?.get(key);
    if (known) return known;
    const summary = await this.#summarize(language, path, bytes);
    this.#cache?.set(key, summary);
    return summary;
  }

  async #summarize(language: LanguageSupport, path: string, bytes: Buffer): Promise<FileSummary> {
    const content = bytes.toString('utf8');
    const { text, cells } = path.endsWith(NOTEBOOK) ? readNotebook(content) : { text: content, cells: undefined };
    const parser = this.#parsers.get(language) ?? await language.loadParser();
    this.#parsers.set(language, parser);
    const tree = parser.parse(text);
    try {
      const summary = language.detector.summarizer.open().summary({ text, root: tree.root });
      return cells ? { ...summary, cells } : summary;
    } finally {
      tree.delete();
    }
  }
}

import type { Disposable } from '../../core/base/events.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { AskedThread } from '../node/askedThread.ts';
import type { DocumentReply, DocumentRequest, DocumentText, DocumentThreadData } from './documentMessages.ts';
import type { ContentChange } from './tracker.ts';

/** The folders that documents belong to, for what a document says of other files and they of it. */
export interface FolderLinks {
  /** Names of wrappers that a folder has: a document that holds one may have call sites. The same set as long as it says the same. */
  names(uri: string): ReadonlySet<string>;
  /** The call sites of a document with this summary, serialised; undefined when it belongs to no folder, or the folder cannot tell. */
  link(uri: string, summary: Uint8Array): Promise<readonly CallSite[] | undefined>;
  /** The document is no longer open: its file counts again. */
  close(uri: string): void;
}

/** A document as it is now; a VS Code `TextDocument` is one. */
export interface OpenText {
  readonly languageId: string;
  readonly version: number;
  getText(): string;
}

/** Further changes need not be kept: the thread parses from scratch rather than following so many. */
const MOST_EVENTS = 50;

interface OpenDocument {
  readonly source: OpenText;
  /** Whether the thread knows a text of it. */
  isTold: boolean;
  /** What changed since the thread was told. */
  events: (readonly ContentChange[])[];
  isChanged: boolean;
  /** The names that the thread was told. */
  names: ReadonlySet<string> | undefined;
  /** Goes up whenever an answer that is on its way is out of date. */
  age: number;
  answer: readonly CallSite[] | undefined;
  reading: Promise<readonly CallSite[]> | undefined;
}

/**
 * The call sites of open documents, parsed in a thread of their own, so that no parser ever holds up who asks. Texts are told when they are
 * asked about, with the edits since the last time, so that the thread parses only what changed.
 */
export class DocumentThread implements Disposable {
  readonly #thread: AskedThread<DocumentRequest, DocumentReply>;
  readonly #links: FolderLinks | undefined;
  readonly #documents = new Map<string, OpenDocument>();

  /** @param script the built or source file of `documents.worker.ts` */
  constructor(script: string, data: DocumentThreadData, links?: FolderLinks) {
    this.#links = links;
    this.#thread = new AskedThread({
      script,
      data,
      name: 'The parser of open documents',
      onStart: () => {
        for (const document of this.#documents.values()) Object.assign(document, { isTold: false, events: [], names: undefined } satisfies Partial<OpenDocument>);
      },
    });
  }

  /** Starts the thread before it is needed: that takes longer than what it does. */
  start(): void {
    this.#thread.start();
  }

  /** Takes a document on, or starts anew with it. */
  open(uri: string, source: OpenText): void {
    this.close(uri);
    this.#documents.set(uri, { source, isTold: false, events: [], isChanged: false, names: undefined, age: 0, answer: undefined, reading: undefined });
  }

  /** A document has changed, by these changes as VS Code reports them. Changes that do not lead to its text cost a parse from scratch. */
  change(uri: string, changes: readonly ContentChange[]): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    document.isChanged = true;
    if (document.isTold && document.events.length <= MOST_EVENTS) document.events.push(changes);
    outdate(document);
  }

  /** What the folders know has changed: the next question is answered anew. */
  forgetAnswers(): void {
    for (const document of this.#documents.values()) outdate(document);
  }

  /** The document is no longer open: its file counts again. */
  close(uri: string): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    outdate(document);
    this.#documents.delete(uri);
    if (document.isTold) this.#thread.tell({ kind: 'close', uri });
    this.#links?.close(uri);
  }

  /**
   * The call sites of a document as it is when the answer comes: an answer about an older text, or by what other files said before, is not
   * given but asked for again. Undefined when it is not open.
   * @throws AppError internal when the thread ends or the parser cannot be loaded; the next call tries again
   */
  async callSites(uri: string): Promise<readonly CallSite[] | undefined> {
    for (;;) {
      const document = this.#documents.get(uri);
      if (!document || document.answer) return document?.answer;
      const { age } = document;
      const reading = document.reading ??= this.#read(uri, document);
      try {
        const answer = await reading;
        if (document.age === age && this.#documents.get(uri) === document) document.answer = answer;
      } finally {
        if (document.reading === reading) document.reading = undefined;
      }
    }
  }

  dispose(): void {
    for (const uri of [...this.#documents.keys()]) this.close(uri);
    this.#thread.dispose();
  }

  async #read(uri: string, document: OpenDocument): Promise<readonly CallSite[]> {
    const { age } = document;
    // Before the text is told: a thread that starts anew knows none.
    this.#thread.start();
    const names = this.#links?.names(uri);
    const told = names !== undefined && names !== document.names ? [...names] : undefined;
    document.names = names;
    const { callSites, summary } = await this.#thread.ask({ kind: 'read', uri, current: untold(document), names: told });
    // What is out of date, or closed, must not stand in for the file.
    if (!this.#links || summary === undefined || document.age !== age) return callSites;
    return await this.#links.link(uri, summary) ?? callSites;
  }
}

/** The text, if the thread does not know it; from now on it does. */
function untold(document: OpenDocument): DocumentText | undefined {
  const { source, isTold, isChanged, events } = document;
  Object.assign(document, { isTold: true, isChanged: false, events: [] } satisfies Partial<OpenDocument>);
  if (isTold && !isChanged) return undefined;
  return { languageId: source.languageId, version: source.version, text: source.getText(), changes: isTold ? events : undefined };
}

function outdate(document: OpenDocument): void {
  document.age += 1;
  document.answer = undefined;
  document.reading = undefined;
}

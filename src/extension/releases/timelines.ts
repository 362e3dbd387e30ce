import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { releaseTimeline, timelineMarkdown, type ReleaseTimeline } from '../../core/releases/releaseTimeline.ts';
import { TIMELINE_SCHEME, type ReleaseFeatureParts } from './lazyReleases.ts';
import type { ReleaseState, ReleaseStore } from './releaseStore.ts';

/** Timelines of releases as documents, and as files for an audit. */
export class Timelines {
  readonly #parts: ReleaseFeatureParts;
  readonly #store: ReleaseStore;
  readonly #changed: (uri: vscode.Uri) => void;

  constructor(parts: ReleaseFeatureParts, store: ReleaseStore, changed: (uri: vscode.Uri) => void) {
    this.#parts = parts;
    this.#store = store;
    this.#changed = changed;
  }

  /** The text of a document. @throws AppError as Unleash fails */
  async text({ query }: vscode.Uri): Promise<string> {
    const state = this.#store.of(query);
    if (state === undefined) throw new AppError('notFound', 'modelswitch.yaml has no such release any more.');
    return timelineMarkdown(await this.#read(state));
  }

  async show(state: ReleaseState): Promise<void> {
    const uri = vscode.Uri.from({ scheme: TIMELINE_SCHEME, path: `/Release of ${plainLine(state.model.name).replaceAll('/', '∕')} behind ${plainLine(state.flag).replaceAll('/', '∕')}.md`, query: state.key });
    const document = await vscode.workspace.openTextDocument(uri);
    // One that is open already says what holds now.
    this.#changed(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  /** Asks for a file; its ending says whether it becomes Markdown or JSON. */
  async export(state: ReleaseState, given?: vscode.Uri): Promise<void> {
    const name = `release-${state.model.name}-${state.flag}`.replace(/[^\w.-]+/g, '_').slice(0, 100);
    const target = given ?? await vscode.window.showSaveDialog({ title: 'Export the timeline', defaultUri: vscode.Uri.joinPath(state.target.folder.uri, `${name}.md`), filters: { Markdown: ['md'], JSON: ['json'] } });
    if (target === undefined) return;
    const timeline = await this.#read(state);
    const text = target.path.endsWith('.json') ? `${JSON.stringify(timeline, null, 2)}\n` : timelineMarkdown(timeline);
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
    void vscode.window.showInformationMessage(plainLine(`The timeline was written to ${vscode.workspace.asRelativePath(target)}.`, 300));
  }

  async #read({ target, flag, model }: ReleaseState): Promise<ReleaseTimeline> {
    return releaseTimeline(model.name, model.plan ?? [], await this.#parts.histories.read(target.connection, flag));
  }
}

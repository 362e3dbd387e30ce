import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { calledFor, type CalledFor } from '../../core/releases/calledFor.ts';
import { planPower } from '../../core/releases/detectable.ts';
import type { Connection } from '../connection/connection.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { advanceRelease, approveRelease, goWay, rearmRelease, shipCandidate, type ReleaseCommandParts } from './advanceCommands.ts';
import { Guards } from './guards.ts';
import type { ReleaseFeatureParts, ReleaseShell } from './lazyReleases.ts';
import { ReleaseStore, type ReleaseState } from './releaseStore.ts';
import { ReleaseTree } from './releaseTree.ts';
import { createSegment } from './segmentCommand.ts';
import { completeRelease, keepCurrent, rollBackRelease } from './takeBackCommands.ts';
import { Timelines } from './timelines.ts';

/** Releases in the editor: what is going out, what one may do about it, and the guard of this window. */
export class ReleaseFeature implements Disposable {
  readonly store: ReleaseStore;
  readonly guards: Guards;
  readonly tree: ReleaseTree;
  readonly timelines: Timelines;
  readonly #parts: ReleaseCommandParts;
  readonly #shell: ReleaseShell;
  readonly #all = new DisposableStore();

  constructor(parts: ReleaseFeatureParts, shell: ReleaseShell) {
    this.#shell = shell;
    this.store = this.#all.add(new ReleaseStore(parts));
    this.#parts = { ...parts, store: this.store };
    this.guards = this.#all.add(new Guards(parts, this.store));
    this.tree = new ReleaseTree(this.store, this.guards, () => parts.clock.now());
    this.timelines = new Timelines(parts, this.store, shell.documentChanged);
    const draw = (): void => this.#draw();
    this.#all.add(this.store.onDidChange(draw));
    this.#all.add(this.guards.onDidChange(draw));
    this.updateActivity();
    draw();
  }

  /** Looks are taken while somebody sees the view, or a lens that says what a release calls for. */
  updateActivity(): void {
    this.store.setShown(this.#shell.view.visible ? 'all' : this.#shell.lensFlags());
  }

  /** What the releases behind a flag call for, the first of them that calls for something; undefined where none was looked at yet. */
  calledFor(connection: Connection, flag: string): readonly CalledFor[] | undefined {
    const looked = this.store.states.filter((state) => state.flag === flag && state.target.connection === connection && state.looked !== undefined);
    if (looked.length === 0) return undefined;
    return looked.flatMap(({ looked: last, model: { plan = [] } }) => (last === undefined ? [] : calledFor(last.assessment, plan, connection.identity?.id) ?? []));
  }

  /** A command. @throws AppError as it fails */
  async run(id: string, argument: unknown): Promise<void> {
    if (id === Command.refreshReleases) return this.store.refresh();
    if (id === Command.createSegment) return createSegment({ ...this.#parts.change, files: this.#parts.files }, argument);
    const state = await this.#choose(argument);
    if (state === undefined) return;
    switch (id) {
      case Command.advanceRelease: return advanceRelease(this.#parts, state);
      case Command.rollBackRelease: return rollBackRelease(this.#parts, state);
      case Command.rearmRelease: return rearmRelease(this.#parts, state);
      case Command.approveRelease: return approveRelease(this.#parts, state);
      case Command.completeRelease: return completeRelease(this.#parts, state);
      case Command.shipCandidate: return shipCandidate(this.#parts, state);
      case Command.keepCurrent: return keepCurrent(this.#parts, state);
      case Command.wayBack: return goWay(this.#parts, state, wayOf(argument));
      case Command.releaseTimeline: return this.timelines.show(state);
      case Command.exportTimeline: return this.timelines.export(state, fileOf(argument));
      case Command.guardOn: return this.guards.turn(state.key, true);
      case Command.guardOff: return this.guards.turn(state.key, false);
      default: throw new AppError('internal', `There is no command ${id}.`);
    }
  }

  /** At the line of each stage of a plan: what its sample could notice, and where the release stands. */
  planLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    if (!settings.lens()) return [];
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    const loaded = folder === undefined ? undefined : this.#parts.files.of(folder);
    if (loaded?.uri.toString() !== uri.toString()) return [];
    return (loaded.file.config?.models ?? []).flatMap((model) => {
      const power = planPower(model);
      const here = this.store.states.find((each) => each.model.name === model.name && each.target.folder === folder)?.looked?.assessment;
      return (model.plan ?? []).flatMap(({ range }, index) => {
        const words = [here?.stage === index && here.state !== 'not started' ? `the release is here: ${here.verdict.word}` : '', power[index]?.words ?? ''].filter((part) => part !== '').join(' · ');
        return words === '' ? [] : [new vscode.CodeLens(new vscode.Range(range.start.line, 0, range.start.line, 0), { title: plainLine(words, 160), command: '' })];
      });
    });
  }

  dispose(): void {
    this.#all.dispose();
  }

  #draw(): void {
    const waiting = this.store.states.filter(({ looked }) => looked?.assessment.needsPerson === true).length;
    this.#shell.view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: waiting === 1 ? 'One release needs a person' : `${waiting} releases need a person` };
    this.#shell.treeChanged();
  }

  /** A line of the view, a flag of another view or a lens, the flag under the cursor, or a choice. */
  async #choose(argument: unknown): Promise<ReleaseState | undefined> {
    const { states } = this.store;
    if (states.length === 0) throw new AppError('validation', 'No model of modelswitch.yaml has a plan: give one its stages (plan: [{environment: production, percent: 5, hold: 1h}, ...]), and connect to Unleash.');
    const given = typeof argument === 'object' && argument !== null ? argument as Record<string, unknown> : {};
    if (typeof given['release'] === 'string') return this.store.of(given['release']);
    const editor = vscode.window.activeTextEditor;
    const flag = typeof given['flag'] === 'string' ? given['flag'] : editor === undefined ? undefined : this.#parts.flagUnderCursor(editor);
    const meant = states.filter((each) => each.flag === flag);
    if (typeof given['flag'] === 'string' && meant.length === 0) throw new AppError('validation', `No model of modelswitch.yaml has a plan for ${plainLine(given['flag'])}.`);
    const offered = meant.length > 0 ? meant : states;
    if (offered.length === 1) return offered[0];
    const items = offered.map((state) => ({ label: plainLine(state.model.name), description: plainLine(`${state.flag} · ${state.looked?.assessment.stageWords ?? ''}`), state }));
    return (await vscode.window.showQuickPick(items, { title: 'Which release?', matchOnDescription: true }))?.state;
  }
}

function wayOf(argument: unknown): number {
  const { way, row } = argument as { readonly way?: number; readonly row?: { readonly way?: number } };
  return way ?? row?.way ?? -1;
}

function fileOf(argument: unknown): vscode.Uri | undefined {
  const file = typeof argument === 'object' && argument !== null && 'file' in argument ? argument.file : undefined;
  return file instanceof vscode.Uri ? file : undefined;
}

import * as vscode from 'vscode';
import { sleep } from '../../adapters/node/sleep.ts';
import { toAppError } from '../../core/base/errors.ts';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { retrainReason } from '../../core/releases/championWatch.ts';
import { guardRelease, type GuardReport, type GuardState } from '../../core/releases/guard.ts';
import { guardingOf, type Guarding } from '../../core/releases/unguarded.ts';
import type { Connection } from '../connection/connection.ts';
import { Command, View } from '../ids.ts';
import type { RetrainOffer } from '../pipelines/retrain.ts';
import { settings } from '../platform/settings.ts';
import { keepGuardEvidence } from './guardEvidence.ts';
import { GUARDED, GUARDED_IN, type ReleaseFeatureParts } from './lazyReleases.ts';
import { releaseOf, type ReleaseState, type ReleaseStore } from './releaseStore.ts';

/** How long between two looks of the guard; the command line's has the same. */
const LOOK_EVERY_MS = 60_000;

const SERIOUS: ReadonlySet<GuardState> = new Set(['not lowered', 'rolled back', 'breach']);

/**
 * The guard of this window: off until somebody turns it on for a release, and remembered by the workspace. It is the command line's guard, run again and again while the window is open; what it did
 * stands in Unleash, so that two windows, or a window and a container, do no harm to each other.
 */
export class Guards implements Disposable {
  readonly #parts: ReleaseFeatureParts;
  readonly #store: ReleaseStore;
  readonly #all = new DisposableStore();
  readonly #changes = this.#all.add(new Emitter<undefined>());
  readonly #item: vscode.StatusBarItem;
  readonly #last = new Map<string, GuardReport>();
  readonly #abort = new AbortController();
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: ReleaseFeatureParts, store: ReleaseStore) {
    this.#parts = parts;
    this.#store = store;
    this.#item = this.#all.add(vscode.window.createStatusBarItem('modelswitch.guard', vscode.StatusBarAlignment.Left, 49));
    this.#item.name = 'Modelswitch Guard';
    this.#item.command = `${View.releases}.focus`;
    this.#all.add(store.onDidChange(() => this.#draw()));
    this.#schedule(0);
    this.#draw();
  }

  readonly onDidChange = this.#changes.event;

  isOn(key: string): boolean {
    return this.#keys.includes(key);
  }

  /** What its last look at a release said. */
  reportOf(key: string): GuardReport | undefined {
    return this.#last.get(key);
  }

  async turn(key: string, on: boolean): Promise<void> {
    const others = this.#keys.filter((each) => each !== key);
    await this.#parts.memory.update(GUARDED, on ? [...others, key] : others);
    await this.#remember(key, on ? this.#store.of(key)?.target.folder : undefined);
    this.#last.delete(key);
    this.#draw();
    this.#changes.fire(undefined);
    if (on) await this.lookNow();
  }

  /** Looks at every release whose guard is on. One round at a time; it never rejects. */
  lookNow(): Promise<void> {
    return this.#looking ??= this.#round().finally(() => {
      this.#looking = undefined;
      this.#schedule(LOOK_EVERY_MS);
    });
  }

  dispose(): void {
    this.#abort.abort();
    this.#timer?.dispose();
    this.#all.dispose();
  }

  get #keys(): readonly string[] {
    return this.#parts.memory.get<readonly string[]>(GUARDED, []);
  }

  /** In which folder each of them was guarded when it was last looked. */
  get #folders(): Readonly<Record<string, string>> {
    return this.#parts.memory.get<Readonly<Record<string, string>>>(GUARDED_IN, {});
  }

  async #remember(key: string, folder: vscode.WorkspaceFolder | undefined): Promise<void> {
    const { [key]: before, ...others } = this.#folders;
    const now = folder?.uri.toString();
    if (now !== before) await this.#parts.memory.update(GUARDED_IN, now === undefined ? others : { ...others, [key]: now });
  }

  #schedule(ms: number): void {
    this.#timer?.dispose();
    if (!this.#abort.signal.aborted) this.#timer = this.#parts.clock.after(ms, () => void this.lookNow());
  }

  #guarding(key: string): Guarding {
    const state = this.#store.of(key);
    const folder = state?.target.folder ?? vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === this.#folders[key]);
    const file = state?.target.file ?? (folder === undefined ? undefined : this.#parts.files.saved(folder)?.file);
    return guardingOf(file, { ...releaseOf(key), isPlanned: state !== undefined, wasGuarded: this.#folders[key] !== undefined });
  }

  async #round(): Promise<void> {
    await this.#parts.files.ready;
    const isBehind = (key: string): boolean => (this.#store.of(key)?.target.connection.state.kind ?? (this.#folders[key] === undefined ? 'connected' : 'signedOut')) === 'signedOut';
    // As a window opens neither its releases nor who is signed in are known at once.
    if (this.#keys.some(isBehind)) await this.#parts.connections.update();
    const watched: ReleaseState[] = [];
    for (const key of this.#keys) {
      const guarding = this.#guarding(key);
      const state = this.#store.of(key);
      if (guarding.kind === 'wrong') this.#saw(key, guarding.report);
      else if (guarding.kind === 'guarded' && state !== undefined) watched.push(state);
      else this.#last.delete(key);
      if (guarding.kind === 'ended') this.#end(key);
      if (guarding.kind !== 'wrong') await this.#remember(key, guarding.kind === 'guarded' ? state?.target.folder : undefined);
    }
    this.#changes.fire(undefined);
    const tried = new Set<Connection>();
    for (const state of watched) {
      const { connection } = state.target;
      if (!tried.has(connection)) await connection.retry();
      tried.add(connection);
      try {
        await this.#guard(state);
      } catch (thrown) {
        const error = toAppError(thrown);
        // The window closes.
        if (this.#abort.signal.aborted) return;
        this.#parts.change.log.error(`Guard of ${state.flag}`, error);
        this.#saw(state.key, unreadable(state, error.message));
      }
    }
    this.#draw();
  }

  /** What is guarded no more is told once: nobody else may be watching it. */
  #end(key: string): void {
    const { model, flag } = releaseOf(key);
    const words = plainLine(`The guard of ${model} (flag ${flag}) in this window has ended: modelswitch.yaml has no plan for it any more. It goes on by itself when there is one again.`, 400);
    this.#parts.change.log.info(words);
    void vscode.window.showInformationMessage(words);
  }

  /** Remembers what a look said, and tells it where that is another state than before. */
  #saw(key: string, report: GuardReport): void {
    const before = this.#last.get(key);
    this.#last.set(key, report);
    this.#parts.change.log.info(`guard ${report.model} behind ${report.flag}: ${report.state}; ${report.words.join('; ')}`);
    if (before?.state !== report.state) void this.#notify(key, report);
  }

  async #guard(state: ReleaseState): Promise<void> {
    const { key, target, model, flag } = state;
    const { session, state: { kind }, origin } = target.connection;
    if (session === undefined || kind !== 'connected') {
      // Who is signing in will be there at the next look.
      if (kind !== 'connecting') this.#saw(key, unreadable(state, `not guarded: this window is not connected to ${origin}`));
      return;
    }
    const { runner, store } = session;
    const ports = { reader: this.#store.reader(target), runner, project: target.project, sleep, keepEvidence: keepGuardEvidence(this.#parts, target, model) };
    // Read-only switches every write off, also the guard's: it says so instead.
    const report = await guardRelease(ports, model, flag, { dryRun: settings.readOnly(), signal: this.#abort.signal });
    this.#saw(key, report);
    if (report.outcome !== undefined) await store.expectChange();
    await this.#store.look(key).catch(() => undefined);
    this.#changes.fire(undefined);
    const because = retrainReason(report.champion);
    if (because !== undefined) void vscode.commands.executeCommand(Command.retrain, { folder: target.folder.uri.toString(), model: model.name, because } satisfies RetrainOffer);
  }

  /** Production lost its safety, or its sight: that is worth a notification, once. */
  async #notify(key: string, { state, model, flag, environments, words }: GuardReport): Promise<void> {
    if (!SERIOUS.has(state) && state !== 'alarm' && state !== 'unreadable') return;
    const where = environments.length === 0 ? '' : ` in ${environments.join(', ')}`;
    const what: Partial<Record<GuardState, string>> = {
      'rolled back': `The guard took ${model} back${where} (flag ${flag})`,
      'not lowered': `The guard could NOT take ${model} back${where} (flag ${flag})`,
      breach: `${model}${where} breaches a guardrail, and modelswitch.readOnly keeps the guard from taking it back (flag ${flag})`,
      alarm: `Guard of ${model}`, unreadable: `The guard cannot see ${model} (flag ${flag})`,
    };
    const message = plainLine(`${what[state] ?? ''}: ${words.slice(0, 2).join('; ')}`, 600);
    const actions = state === 'not lowered' || state === 'breach' ? ['Kill Switch...', 'Show Timeline'] : ['Show Timeline'];
    const chosen = await (SERIOUS.has(state) ? vscode.window.showErrorMessage : vscode.window.showWarningMessage)(message, ...actions);
    if (chosen === 'Show Timeline') await vscode.commands.executeCommand(Command.releaseTimeline, { release: key });
    if (chosen === 'Kill Switch...') await vscode.commands.executeCommand(Command.killSwitch, { connection: this.#store.of(key)?.target.connection, flag });
  }

  #draw(): void {
    // A release that modelswitch.yaml no longer names by a mistake is one of them: that it is not guarded must be seen.
    const watched = this.#keys.map((key) => ({ key, state: this.#store.of(key), report: this.#last.get(key) })).filter(({ state, report }) => state !== undefined || report !== undefined);
    if (watched.length === 0) {
      this.#item.hide();
      return;
    }
    const reports = watched.flatMap(({ report }) => report ?? []);
    const worst = reports.find(({ state }) => SERIOUS.has(state)) ?? reports.find(({ state }) => state === 'alarm' || state === 'unreadable');
    const latched = watched.find(({ state }) => state?.looked?.assessment.latch !== undefined)?.state;
    const words = latched !== undefined ? `guard: ${latched.model.name} latched` : worst !== undefined ? `guard: ${worst.model} ${worst.state}` : watched.length === 1 ? `guard: ${releaseOf(watched[0]?.key ?? '').model}` : `guard: ${watched.length} releases`;
    this.#item.text = `$(shield) ${plainLine(words, 60)}`;
    this.#item.backgroundColor = latched === undefined && worst === undefined ? undefined : new vscode.ThemeColor(worst !== undefined && SERIOUS.has(worst.state) ? 'statusBarItem.errorBackground' : 'statusBarItem.warningBackground');
    this.#item.tooltip = watched.map(({ key, report }) => plainLine(`${releaseOf(key).model} behind ${releaseOf(key).flag}: ${report?.state ?? 'not looked at yet'}${report?.words.map((each) => `; ${each}`).join('') ?? ''}`, 400)).join('\n');
    this.#item.show();
  }
}

function unreadable({ model, flag }: ReleaseState, because: string): GuardReport {
  return { model: model.name, flag, environments: [], state: 'unreadable', words: [because] };
}

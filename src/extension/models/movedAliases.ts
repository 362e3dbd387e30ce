import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { movedWords, type MovedPin } from '../../core/models/mapping.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Problem } from '../../core/workspace/source.ts';
import type { Connections, Target } from '../connection/connections.ts';
import { environmentNames, flagFacts, movedIn } from '../flags/facts.ts';
import { Command } from '../ids.ts';

/** A version that was swapped under a release, where it is out. */
interface MovedRelease {
  readonly flag: string;
  readonly environments: readonly string[];
  readonly moved: MovedPin;
}

function movedReleases(connections: Connections, { connection, models }: Target): MovedRelease[] {
  const found = new Map<string, MovedRelease>();
  for (const flag of new Set(models.flatMap(({ switches }) => switches.map((entry) => entry.flag)))) {
    const facts = flagFacts(connections, connection, flag);
    for (const environment of environmentNames(facts)) {
      for (const moved of movedIn(facts, environment)) {
        const key = JSON.stringify([flag, moved]);
        found.set(key, { flag, moved, environments: [...found.get(key)?.environments ?? [], environment] });
      }
    }
  }
  return [...found.values()];
}

function words({ flag, environments, moved }: MovedRelease): string {
  return `${plainLine(moved.model, 40)}: ${movedWords(moved)} while ${plainLine(flag, 60)} is out in ${plainLine(environments.join(', '), 80)}; what was learnt about ${moved.pinned} does not count for ${moved.now}.`;
}

/** At the line of modelswitch.yaml that names the version. `models`: as they stand in the text that is marked. */
export function movedProblems(connections: Connections, target: Target, models: readonly ModelMapping[]): Problem[] {
  return movedReleases(connections, target).flatMap((release): Problem[] => {
    const { side, model } = release.moved;
    const mapping = models.find(({ name }) => name === model);
    if (mapping === undefined) return [];
    const range = (side === 'on' ? mapping.ranges?.candidate : mapping.ranges?.current) ?? mapping.range;
    return [{ code: 'movedAlias', severity: 'warning', message: words(release), range }];
  });
}

/** Says once that an alias moved under a release: production serves a version that nobody looked at. */
export class MovedAliasNotice implements Disposable {
  readonly #subscriptions = new DisposableStore();
  readonly #told = new Set<string>();

  constructor(connections: Connections) {
    this.#subscriptions.add(connections.onDidChange(() => {
      for (const target of connections.targets) for (const release of movedReleases(connections, target)) void this.#tell(target, release);
    }));
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #tell({ connection }: Target, release: MovedRelease): Promise<void> {
    const key = JSON.stringify([connection.baseUrl, connection.project, release.flag, release.moved]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const chosen = await vscode.window.showWarningMessage(words(release), 'Re-Pin...', 'Move Alias Back...');
    if (chosen === 'Re-Pin...') await vscode.commands.executeCommand(Command.repin, { connection, flag: release.flag, environment: release.environments[0] });
    if (chosen === 'Move Alias Back...') await vscode.commands.executeCommand(Command.moveAlias);
  }
}

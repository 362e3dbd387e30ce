import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { RegisteredModel } from '../../core/models/model.ts';
import type { Connections } from '../connection/connections.ts';
import type { Prompts } from '../platform/prompts.ts';
import { settings } from '../platform/settings.ts';
import { requireTrust } from '../platform/trust.ts';
import type { VersionNode } from './modelNodes.ts';
import type { Registries } from './registries.ts';
import { outingsOf } from './whereOut.ts';

export interface MoveAliasParts {
  readonly registries: Registries;
  readonly connections: Connections;
  readonly prompts: Prompts;
}

const USUAL = ['champion', 'challenger'];
/** What every registry takes: MLflow's rule for aliases, without those that read like a version. */
const ALIAS = /^[A-Za-z0-9_-]{1,255}$/;

/**
 * Points an alias to a version, after a confirmation that says what it names now and who is served by it.
 * @param named the alias; without one it is asked for. Gives whether it was moved.
 * @throws AppError forbidden (read-only), conflict (somebody else moved it meanwhile) and the rest
 */
export async function moveAlias(parts: MoveAliasParts, node: VersionNode, named?: string): Promise<boolean> {
  requireTrust();
  if (settings.readOnly()) throw new AppError('forbidden', 'Modelswitch only reads here: modelswitch.readOnly is set.');
  const { connection, registered, version } = node;
  const store = await connection.open();
  const { capabilities, location } = store.registry;
  if (!capabilities.setAlias) throw new AppError('forbidden', capabilities.reason ?? 'This registry is only read.');
  // What is confirmed is what stands there now, not what a view has shown.
  const model = await store.registry.readModel(registered);
  const alias = named ?? await chooseAlias(model, version);
  if (alias === undefined) return false;
  const from = model.aliases.find((each) => each.alias === alias)?.version;
  if (from === version) {
    void vscode.window.showInformationMessage(plainLine(`${alias} of ${registered} names version ${version} already.`, 300));
    return false;
  }
  const confirmed = await parts.prompts.confirm({
    message: `Move the alias ${plainLine(alias, 60)} of ${plainLine(registered, 80)} from ${from === undefined ? 'no version' : `version ${plainLine(from, 40)}`} to version ${plainLine(version, 40)}?`,
    detail: [`Registry: ${plainLine(location, 300)}`, `${plainLine(alias, 60)}: ${plainLine(from ?? 'none', 40)} -> ${plainLine(version, 40)}`, ...liveLines(parts, node, alias)].join('\n'),
    verb: `Move to ${plainLine(version, 40)}`,
  });
  if (!confirmed) return false;
  const change = await store.setAlias(registered, alias, version, from);
  void vscode.window.showInformationMessage(plainLine(`${change.alias} of ${registered}: ${change.from ?? 'none'} -> ${change.to ?? 'none'}.`, 300));
  return true;
}

/** Who is served by what the alias names: moving it moves them, as soon as the application loads the model again. */
function liveLines({ registries, connections }: MoveAliasParts, { connection, registered }: VersionNode, alias: string): string[] {
  const outings = outingsOf(registries, connections, connection, registered, (arms) => arms.filter(({ name }) => name === alias));
  return outings.flatMap(({ arm: { role, flag, on }, model, environments }) => {
    const live = environments.filter(({ isLive }) => isLive).map(({ environment, words }) => `${environment} ${words}`);
    const who = `${role} of ${model}, where the flag ${flag} is ${on ? 'on' : 'off'}`;
    return [plainLine(live.length === 0 ? `It is the ${who}; nobody gets it by what is known now.` : `It is live: the ${who}: ${live.join(', ')}.`, 400)];
  });
}

async function chooseAlias({ aliases, name }: RegisteredModel, version: string): Promise<string | undefined> {
  const all = [...new Set([...aliases.map(({ alias }) => alias), ...USUAL])];
  const items = all.map((alias) => {
    const now = aliases.find((each) => each.alias === alias)?.version;
    return { label: plainLine(alias), description: now === undefined ? 'new' : now === version ? `${now}, this version` : plainLine(`${now} -> ${version}`), alias };
  });
  const other = { label: 'Another Alias...', description: '', alias: undefined };
  const chosen = await vscode.window.showQuickPick([...items, other], { title: `Move an alias of ${plainLine(name)} to version ${plainLine(version, 40)}`, placeHolder: 'Which alias?' });
  if (chosen === undefined || chosen.alias !== undefined) return chosen?.alias;
  return vscode.window.showInputBox({
    title: `Move an alias of ${plainLine(name)} to version ${plainLine(version, 40)}`, prompt: 'Name of the alias',
    validateInput: (text) => (ALIAS.test(text) && !/^(v?\d+|latest)$/i.test(text) ? undefined : 'Letters, digits, - and _, such as champion; not a version, not "latest"'),
  });
}

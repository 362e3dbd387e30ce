import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { isFlagName } from '../../core/flags/createFlag.ts';
import { lackingPermission, lackingToCreate } from '../../core/flags/permissions.ts';
import { pin, versionWords } from '../../core/flags/titles.ts';
import { planRepin } from '../../core/flags/startRollout.ts';
import { armsOf, wantedDetails } from '../../core/models/mapping.ts';
import type { ModelVersion } from '../../core/models/model.ts';
import { readView } from '../../core/models/readView.ts';
import { applyStartRelease, isStarted, planStartRelease, startWords, type StartOutcome, type StartPlan, type StartPorts, type StartRequest } from '../../core/releases/startRelease.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Target } from '../connection/connections.ts';
import { configurationUri } from '../connection/workspaceFiles.ts';
import { changeFlag, requireOpen, requireWritable, withProgress, type FlagRef } from '../flags/changeFlow.ts';
import { Command } from '../ids.ts';
import { requireTrust } from '../platform/trust.ts';
import { registryOf } from '../models/registryOf.ts';
import type { ReleaseParts } from './releaseCommands.ts';

/** What a caller may have chosen already: a version of the tree "Models", or all of it. */
interface Given {
  readonly registered?: string;
  readonly version?: string;
  /** Name in modelswitch.yaml. */
  readonly model?: string;
  readonly flag?: string;
  readonly stickiness?: string;
  readonly segments?: readonly (string | number)[];
}

const TITLE = 'Start a release';

/** Asks for version, flag, stickiness and segments, shows everything that will be changed in one question, and does it. Starting again goes on where it stopped. */
export async function startRelease(parts: ReleaseParts, argument: unknown): Promise<StartOutcome | undefined> {
  requireTrust();
  requireWritable();
  const target = await pickTarget(parts);
  if (target === undefined) return undefined;
  const request = await ask(parts, target, givenOf(argument));
  if (request === undefined) return undefined;
  const ports = await portsOf(parts, target);
  const plan = await withProgress('Planning the release...', (signal) => planStartRelease(ports, request, signal));
  if (isStarted(plan)) {
    void vscode.window.showInformationMessage(plainLine(`${plan.model} ${versionWords(plan.candidate)} is released behind ${plan.flag} already.`, 400));
    return { kind: 'unchanged' };
  }
  const [blocker] = plan.rollout.blockers;
  if (blocker !== undefined) throw new AppError('conflict', blocker.message, { reason: 'blocked' });
  requirePermissions(target, plan);
  const detail = [...startWords(plan), ...plan.rollout.warnings, ...plan.warnings, 'Nobody is exposed by this.', plan.rollout.server].map((line) => plainLine(line, 300)).join('\n');
  const message = `Start the release of ${plainLine(plan.model, 60)} ${plainLine(versionWords(plan.candidate), 40)} behind ${plainLine(plan.flag, 100)}?`;
  if (!(await parts.prompts.confirm({ message, detail, verb: 'Start Release' }))) return undefined;
  requireWritable();
  const outcome = await withProgress(`Starting the release of ${plan.model}...`, (signal) => applyStartRelease(ports, plan, signal));
  await requireOpen(target.connection).store.expectChange();
  parts.log.info(`start ${plan.model} behind ${plan.flag}: ${outcome.kind}`);
  void report(parts, target, plan, outcome);
  return outcome;
}

/** A release goes on with the versions that its mapping means now; old and new are confirmed, the rollout stays. */
export async function repinRelease(parts: ReleaseParts, ref: FlagRef): Promise<void> {
  const target = parts.connections.targets.find(({ connection, models }) => connection === ref.connection && models.some(({ switches }) => switches.some(({ flag }) => flag === ref.flag)));
  const models = target?.models.filter(({ switches }) => switches.some(({ flag }) => flag === ref.flag)) ?? [];
  const model = models.length > 1 ? (await vscode.window.showQuickPick(models.map((each) => ({ label: plainLine(each.name), each })), { title: 'Re-pin which model?' }))?.each : models[0];
  if (target === undefined || models.length === 0) throw new AppError('validation', `modelswitch.yaml maps no model to ${ref.flag}.`);
  if (model === undefined) return;
  const view = await readView(() => registryOf(target.folder, parts.registries), wantedDetails(armsOf([model], ref.flag, undefined)));
  const [arms] = armsOf([model], ref.flag, view);
  const [on, off] = [arms?.on.version, arms?.off.version];
  if (on === undefined || off === undefined) throw new AppError('notFound', `Which versions ${model.name} has now is not known: ${arms?.on.failure ?? arms?.off.failure ?? 'the registry does not have them'}`);
  await changeFlag(parts, ref, 'Re-pin', (reading, reason) => ({ verb: 'Re-Pin', plan: planRepin(reading, pin(model.name, on, off), { reason }) }));
}

function givenOf(argument: unknown): Given {
  if (typeof argument !== 'object' || argument === null) return {};
  const fields = argument as Record<string, unknown>;
  const text = (key: string): string | undefined => { const value = fields[key]; return typeof value === 'string' && value !== '' ? value : undefined; };
  const segments = Array.isArray(fields['segments']) ? fields['segments'].filter((each): each is string | number => typeof each === 'string' || typeof each === 'number') : undefined;
  return {
    ...Object.fromEntries((['registered', 'version', 'model', 'flag', 'stickiness'] as const).flatMap((key) => { const value = text(key); return value === undefined ? [] : [[key, value]]; })),
    ...(segments === undefined ? {} : { segments }),
  };
}

async function pickTarget({ connections }: ReleaseParts): Promise<Target | undefined> {
  const here = connections.targetFor(vscode.window.activeTextEditor?.document.uri);
  if (here !== undefined || connections.targets.length <= 1) return here ?? connections.targets[0] ?? notConnected();
  return (await vscode.window.showQuickPick(connections.targets.map((target) => ({ label: plainLine(target.folder.name), description: target.baseUrl, target })), { title: `${TITLE}: in which folder?` }))?.target;
}

function notConnected(): never {
  throw new AppError('auth', 'Connect to Unleash first.');
}

async function ask(parts: ReleaseParts, target: Target, given: Given): Promise<StartRequest | undefined> {
  const registered = given.registered ?? await pickModel(parts, target);
  if (registered === undefined) return undefined;
  const mapping = target.models.find(({ name }) => name === given.model) ?? target.models.find(({ name, registeredModel }) => (registeredModel ?? name) === registered);
  const candidate = given.version ?? await pickVersion(parts, target, registered, mapping);
  if (candidate === undefined) return undefined;
  const flag = given.flag ?? await pickFlag(target, mapping, registered);
  if (flag === undefined) return undefined;
  const isNew = target.connection.session?.store.snapshot?.flags.has(flag) === false;
  const stickiness = given.stickiness ?? (isNew ? await pickStickiness(target) : 'default');
  if (stickiness === undefined) return undefined;
  const segments = given.segments ?? await pickSegments(target);
  return segments === undefined ? undefined : { model: given.model ?? mapping?.name ?? registered, mapping, registered, candidate, flag, stickiness, segments };
}

async function pickModel({ registries }: ReleaseParts, target: Target): Promise<string | undefined> {
  const registry = await registryOf(target.folder, registries);
  const { items } = await withProgress('Reading models...', (signal) => registry.listModels({}, signal));
  const mapped = target.models.flatMap(({ registeredModel }) => registeredModel ?? []);
  const names = [...new Set([...mapped, ...items.map(({ name }) => name)])];
  return (await vscode.window.showQuickPick(names.map((name) => ({ label: plainLine(name), description: mapped.includes(name) ? 'in modelswitch.yaml' : '', name })), { title: `${TITLE}: which model?` }))?.name;
}

async function pickVersion({ registries }: ReleaseParts, target: Target, registered: string, mapping: ModelMapping | undefined): Promise<string | undefined> {
  const registry = await registryOf(target.folder, registries);
  const { items } = await withProgress('Reading versions...', (signal) => registry.listVersions(registered, {}, signal));
  const current = mapping?.current ?? 'champion';
  const candidate = mapping?.candidate ?? 'challenger';
  const named = ({ version, aliases }: ModelVersion, name: string): boolean => version === name || aliases.includes(name);
  const offered = items.filter((each) => !named(each, current) && each.status === 'ready').toSorted((a, b) => Number(named(b, candidate)) - Number(named(a, candidate)));
  if (offered.length === 0) throw new AppError('validation', `${registered} has no version beside the one that serves: register one first.`);
  return (await vscode.window.showQuickPick(offered.map((each) => ({ label: plainLine(versionWords(each.version)), description: plainLine(each.aliases.join(', ')), detail: plainLine(each.description), version: each.version })), { title: `${TITLE} of ${plainLine(registered, 60)}: which version?` }))?.version;
}

/** The model's own flag; without one an existing flag to adopt, or a new name. */
async function pickFlag(target: Target, mapping: ModelMapping | undefined, registered: string): Promise<string | undefined> {
  const switches = mapping?.switches ?? [];
  if (switches.length === 1) return switches[0]?.flag;
  const known = switches.length > 0 ? switches.map(({ flag }) => flag) : [...target.connection.session?.store.snapshot?.flags.keys() ?? []].toSorted();
  const fresh = { label: 'A New Flag...', description: 'made at 0 % in every environment', flag: undefined as string | undefined };
  const items = [...(switches.length > 0 ? [] : [fresh]), ...known.map((flag) => ({ label: plainLine(flag), description: switches.length > 0 ? '' : 'adopted: its rollout is set to 0 %', flag }))];
  const chosen = await vscode.window.showQuickPick(items, { title: `${TITLE}: behind which flag?` });
  if (chosen === undefined || chosen.flag !== undefined) return chosen?.flag;
  return vscode.window.showInputBox({
    title: `${TITLE}: the new flag`, prompt: 'Its name; code asks for the flag by it', value: registered.replace(/[^\w.~-]+/g, '-'), ignoreFocusOut: true,
    validateInput: (name) => (isFlagName(name) ? known.includes(name) ? 'There is a flag of this name: go back and choose it to adopt it.' : undefined : 'Letters, digits and - _ . ~ only, at most 100'),
  });
}

async function pickStickiness({ connection }: Target): Promise<string | undefined> {
  const { client } = requireOpen(connection);
  const fields = await withProgress('Reading context fields...', (signal) => client.readContextFields(signal)).catch(() => []);
  const others = fields.filter(({ stickiness, name }) => stickiness && name !== 'userId' && name !== 'sessionId').map(({ name, description }) => ({ label: plainLine(name), description: plainLine(description), name }));
  const items = [
    { label: 'userId', description: 'a user always gets the same model; the code has to send userId', name: 'userId' },
    { label: 'sessionId', description: 'the same model within a session', name: 'sessionId' },
    { label: 'default', description: 'userId, else sessionId, else random at each call', name: 'default' },
    ...others,
  ];
  return (await vscode.window.showQuickPick(items, { title: `${TITLE}: sticky on what? It stays for the whole release` }))?.name;
}

async function pickSegments({ connection }: Target): Promise<readonly number[] | undefined> {
  const segments = [...connection.session?.store.snapshot?.segments.values() ?? []];
  if (segments.length === 0) return [];
  const items = segments.map(({ id, name }) => ({ label: plainLine(name), id }));
  const chosen = await vscode.window.showQuickPick(items, { canPickMany: true, title: `${TITLE}: segments with a share of their own`, placeHolder: 'None: everyone together' });
  return chosen?.map(({ id }) => id);
}

async function portsOf({ registries }: ReleaseParts, { connection, folder }: Target): Promise<StartPorts> {
  const { client, runner } = requireOpen(connection);
  const uri = configurationUri(folder);
  return {
    client, runner, server: connection.baseUrl, project: connection.project, userId: () => connection.identity?.id,
    registry: await registryOf(folder, registries),
    readFile: async () => {
      const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
      if (open !== undefined) return open.getText();
      return vscode.workspace.fs.readFile(uri).then((bytes) => new TextDecoder().decode(bytes), () => undefined);
    },
    writeFile: (text) => writeConfiguration(uri, text),
  };
}

/** Through the editor, so that an open file keeps its undo; then to disk. */
async function writeConfiguration(uri: vscode.Uri, text: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri).then((found) => found, () => undefined);
  if (document === undefined) {
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    return;
  }
  const edit = new vscode.WorkspaceEdit();
  edit.replace(uri, new vscode.Range(document.positionAt(0), document.positionAt(document.getText().length)), text);
  if (!(await vscode.workspace.applyEdit(edit)) || !(await document.save())) throw new AppError('internal', 'modelswitch.yaml could not be written.');
}

function requirePermissions({ connection }: Target, plan: StartPlan): void {
  const { identity, project } = connection;
  if (identity === undefined) return;
  const lacking = (plan.create === undefined ? undefined : lackingToCreate(identity, project, plan.create.environments.map(({ environment }) => environment))) ?? lackingPermission(identity, plan.rollout, project);
  if (lacking !== undefined) throw new AppError('forbidden', `You may not do this: your Unleash user lacks the permission ${lacking.permission}${lacking.environment === undefined ? '' : ` in ${lacking.environment}`}. Nothing was written.`, { permission: lacking.permission });
}

async function report(parts: ReleaseParts, { connection }: Target, plan: StartPlan, { kind, at, error }: StartOutcome): Promise<void> {
  const flag = plainLine(plan.flag, 100);
  if (kind === 'stopped') {
    const where = { flag: 'making the flag', rollout: 'setting its strategies', file: 'writing modelswitch.yaml' }[at ?? 'flag'];
    const chosen = await vscode.window.showErrorMessage(plainLine(`The start stopped at ${where}: ${error?.message ?? ''} What was done stays; starting again goes on from there.`, 1000), 'Go On', 'Show Log');
    if (chosen === 'Show Log') parts.log.show();
    else if (chosen !== undefined) await vscode.commands.executeCommand(Command.startRelease, { registered: plan.registered, version: plan.candidate, model: plan.model, flag: plan.flag, stickiness: plan.wish.stickiness, segments: plan.wish.segments });
    return;
  }
  const chosen = await vscode.window.showInformationMessage(`Release started: ${plainLine(plan.model, 60)} ${plainLine(versionWords(plan.candidate), 40)} behind ${flag} at 0 %. Put the cursor on the call that predicts to wrap it in the switch.`, 'Wrap Call in Switch...', 'Show Flag');
  if (chosen === 'Show Flag') await vscode.commands.executeCommand(Command.revealFlag, { connection, flag: plan.flag });
  if (chosen === 'Wrap Call in Switch...') await vscode.commands.executeCommand('editor.action.refactor', { kind: 'refactor.rewrite.modelswitch.wrap', preferred: false });
}

import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { mayChangeDefault } from '../../core/flags/permissions.ts';
import { applySafeDefault, planSafeDefault, type SafeDefaultPlan } from '../../core/flags/projectDefault.ts';
import type { Connection } from '../connection/connection.ts';
import { requireOpen, requireWritable, withProgress, type ChangeParts } from './changeFlow.ts';

/** Lets a person choose environments in which switching on a flag without strategies shall expose nobody, and sets that in the project. */
export async function makeSafeDefault(parts: ChangeParts, connection: Connection): Promise<void> {
  requireWritable();
  const { client } = requireOpen(connection);
  const { baseUrl: server, project, identity } = connection;
  const [defaults, segments] = await withProgress('Reading the default strategies...', (signal) => Promise.all([client.readProjectDefaults(project, signal), client.readSegments(signal)]));
  const all = planSafeDefault({ server, project, defaults, segments }, defaults.environments.map(({ environment }) => environment));
  const open = all.environments.filter(({ changes }) => changes);
  if (open.length === 0) {
    void vscode.window.showInformationMessage(`The default strategy of ${plainLine(project)} is 0 % in every environment already.`);
    return;
  }
  const items = open.map(({ environment, from }) => ({ label: plainLine(environment), description: `now ${plainLine(from)}`, picked: true, environment }));
  const chosen = await vscode.window.showQuickPick(items, { canPickMany: true, title: 'Make 0 % the safe default', placeHolder: 'Environments in which switching on a flag without strategies shall expose nobody' });
  if (chosen === undefined || chosen.length === 0) return;
  const plan: SafeDefaultPlan = { ...all, environments: open.filter(({ environment }) => chosen.some((item) => item.environment === environment)) };
  for (const { environment } of plan.environments) {
    const { may, lacking } = identity === undefined ? { may: true, lacking: '' } : mayChangeDefault(identity, project, environment);
    if (!may) throw new AppError('forbidden', `You may not do this: your Unleash user lacks the permission ${lacking}. Ask a project owner to set the default strategy of ${project} to 0 %.`, { permission: lacking, environment });
  }
  const lines = plan.environments.map(({ environment, from, to }) => `${plainLine(environment)}: ${plainLine(from)} -> ${plainLine(to)}`);
  const detail = [...lines, 'It decides what Unleash adds when a flag without strategies is switched on; existing strategies stay as they are.', server].join('\n');
  if (!(await parts.prompts.confirm({ message: `Change the default strategy of project ${plainLine(project)}?`, detail, verb: 'Set Default to 0 %' }))) return;
  requireWritable();
  await withProgress('Setting the default strategy...', (signal) => applySafeDefault(client, plan, signal));
  void vscode.window.showInformationMessage(`Switching on a flag without strategies now exposes 0 % in ${plan.environments.map(({ environment }) => plainLine(environment)).join(', ')}.`);
}

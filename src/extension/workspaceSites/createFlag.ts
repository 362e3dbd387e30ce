import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { applyCreate, planCreate, type CreateOutcome, type CreateWish } from '../../core/flags/createFlag.ts';
import { lackingToCreate } from '../../core/flags/permissions.ts';
import type { Connection } from '../connection/connection.ts';
import type { SiteParts } from './lazySites.ts';

/**
 * Makes a flag that gives nobody the candidate: off in every environment, at 0 % when somebody switches it on. Asked first, read back after.
 * @throws AppError when it is refused; nothing was written then
 */
export async function createFlagAtZero({ log, prompts, flow }: Pick<SiteParts, 'log' | 'prompts' | 'flow'>, connection: Connection, flag: string, wish: CreateWish = {}): Promise<CreateOutcome | undefined> {
  const { requireOpen, requireWritable, withProgress } = flow;
  requireWritable();
  const session = requireOpen(connection);
  const { project, baseUrl: server, identity } = connection;
  const plan = await withProgress(`Looking whether ${flag} is free...`, (signal) => planCreate(session.client, { server, project, flag }, signal, wish));
  const environments = plan.environments.map(({ environment }) => environment);
  const lacking = identity && lackingToCreate(identity, project, environments);
  if (lacking !== undefined) {
    const where = lacking.environment === undefined ? `project ${project}` : lacking.environment;
    throw new AppError('forbidden', `You may not do this: your Unleash user lacks the permission ${lacking.permission} in ${where}. Nothing was written.`, lacking);
  }
  const lines = plan.environments.map(({ environment, from, to }) => `${plainLine(environment)}: ${from} -> ${to}`);
  const detail = [...lines, `Type ${plan.type}, in project ${plainLine(project)}.`, plainLine(server, 200)].join('\n');
  if (!await prompts.confirm({ message: `Create the flag ${plainLine(flag)} at 0 %?`, detail, verb: 'Create at 0 %' })) return undefined;
  requireWritable();
  if (requireOpen(connection) !== session) throw new AppError('conflict', 'The connection changed meanwhile: nothing was written.', { reason: 'session' });
  const outcome = await withProgress(`Creating ${flag}...`, () => applyCreate(session.client, plan, identity?.id));
  await session.store.expectChange();
  const now = outcome.environments.map((each) => `${plainLine(each.environment)}: ${plainLine(each.now, 200)}`).join(', ');
  log.info(`create ${flag}: ${outcome.kind}; ${now}`);
  if (outcome.kind === 'done') void vscode.window.showInformationMessage(plainLine(`Created: ${flag}. ${now}; 0 % when it is switched on.`, 500));
  else void vscode.window.showErrorMessage(plainLine(`${flag} was created, but not as asked: ${outcome.error?.message ?? 'unknown reason'} Now ${now}.`, 1000));
  return outcome;
}

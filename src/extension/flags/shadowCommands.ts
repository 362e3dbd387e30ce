import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { planSetRollout, planSwitchOff } from '../../core/flags/planner.ts';
import { shadowFlagOf } from '../../core/flags/shadowFlag.ts';
import { Command } from '../ids.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import { changeFlag, requireOpen, requireWritable, type ChangeParts, type FlagRef } from './changeFlow.ts';
import { flagFacts, rolloutIn } from './facts.ts';

/** What is wanted of the shadow: all requests, none, or a share that is asked for. */
export type ShadowWish = 'on' | 'off' | 'sampling';

/**
 * Switches the shadow of a flag's candidate, through the same change as any other: `<flag>.shadow` samples the requests for which the candidate is asked beside the current version. Where there is
 * no such flag it is made first, at 0 %, after a question of its own.
 */
export async function changeShadow(parts: ChangeParts, ref: FlagRef, wish: ShadowWish): Promise<void> {
  requireWritable();
  const session = requireOpen(ref.connection);
  const shadow: FlagRef = { ...ref, flag: shadowFlagOf(ref.flag) };
  const isThere = session.store.snapshot?.flags.has(shadow.flag) === true;
  if (wish === 'off') {
    if (!isThere) throw new AppError('notFound', `There is no flag ${plainLine(shadow.flag)}: the shadow is off.`);
    await changeFlag(parts, shadow, 'Shadow off', (reading) => ({ verb: 'Switch Shadow Off', plan: planSwitchOff('disable', reading, [shadow.environment]) }));
    return;
  }
  const percent = wish === 'on' ? 100 : await askPercent(parts, shadow);
  if (percent === undefined || (!isThere && !await make(shadow))) return;
  await changeFlag(parts, shadow, 'Shadow', (reading, reason) => ({ verb: `Shadow ${percent} % of Requests`, plan: planSetRollout(reading, shadow.environment, percent, { reason: reason ?? 'shadow' }) }));
}

async function askPercent({ connections }: ChangeParts, { connection, flag, environment }: FlagRef): Promise<number | undefined> {
  const now = rolloutIn(flagFacts(connections, connection, flag), environment);
  const answers = await new InputFlow(`Shadow sampling: ${plainLine(flag)} in ${plainLine(environment)}`, 1).run([{
    prompt: 'Per cent of the requests for which the candidate is asked, too; its answers are logged, never served',
    placeholder: '0 to 100',
    value: () => String(now?.on === true ? Math.floor(now.low) : 10),
    validate: (value) => Promise.resolve(/^\s*\d{1,3}\s*%?\s*$/.test(value) && Number.parseInt(value, 10) <= 100 ? undefined : 'A whole number from 0 to 100'),
  }]);
  return answers === undefined ? undefined : Number.parseInt(answers[0] ?? '', 10);
}

/** Whether the flag is there now. */
async function make({ connection: { project, baseUrl }, flag }: FlagRef): Promise<boolean> {
  const made: unknown = await vscode.commands.executeCommand(Command.createFlag, { flag, project, baseUrl, shadow: true });
  return typeof made === 'object' && made !== null && 'kind' in made && made.kind === 'done';
}

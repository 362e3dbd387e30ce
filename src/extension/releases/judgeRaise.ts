import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import type { GatePorts, GateVerdict } from '../../core/releases/gates.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections, Target } from '../connection/connections.ts';
import { requireOpen, withProgress, type JudgeRaise } from '../flags/changeFlow.ts';
import type { Registries } from '../models/registries.ts';
import { registryOf } from '../models/registryOf.ts';
import type * as gating from '../models/models.lazy.ts';

type Gating = Pick<typeof gating, 'PROMOTION_GATES' | 'gateSubject' | 'passGates'>;

/** Asks the gates about a change that raises exposure, with the configuration of every folder that maps the flag. */
export function judgeRaise(connections: Connections, registries: Registries, load: () => Promise<Gating>): JudgeRaise {
  return async ({ connection, flag }, plan, reading) => {
    const targets = connections.targets.filter((target) => target.connection === connection && concerns(target, flag));
    if (targets.length === 0) return { kind: 'pass', warnings: [], blocks: [] };
    const { PROMOTION_GATES, gateSubject, passGates } = await load();
    const verdicts = await withProgress(`Checking ${flag}...`, (signal) => Promise.all(targets.map((target) =>
      passGates(PROMOTION_GATES, gateSubject(plan, reading, target, portsOf(target, registries)), signal))));
    return together(verdicts);
  };
}

/** A file of which nothing can be read may map any flag. */
function concerns({ models, features, file }: Target, name: string): boolean {
  return (file !== undefined && file.config === undefined && file.problems.length > 0) || models.some(({ switches }) => switches.some(({ flag }) => flag === name)) || features.some(({ flag }) => flag === name);
}

function together(verdicts: readonly GateVerdict[]): GateVerdict {
  const [warnings, blocks] = [verdicts.flatMap((each) => each.warnings), verdicts.flatMap((each) => each.blocks)];
  return { kind: blocks.length > 0 ? 'block' : warnings.length > 0 ? 'warn' : 'pass', warnings: [...new Set(warnings)], blocks };
}

/** What gates ask, for one workspace folder. */
export function portsOf({ folder, connection }: Target, registries: Registries): GatePorts {
  return {
    registry: () => registryOf(folder, registries),
    readText: (path) => readInside(folder, path, 'saved'),
    suites: async (patterns, signal) => (await import('../suites/suites.lazy.ts')).suitesOnDisk(folder.uri.fsPath, patterns, signal),
    now: () => Date.now(),
    readFlag: (name, signal) => readFlag(connection, name, signal),
  };
}

/** The text of a file as it is saved, which is what decides, or as it is shown: in the editor, else on disk. Nothing outside of the folder: the path is somebody else's input. @throws AppError validation */
export async function readInside(folder: vscode.WorkspaceFolder, path: string, which: 'saved' | 'shown'): Promise<string> {
  const uri = vscode.Uri.joinPath(folder.uri, path);
  if (!uri.path.startsWith(`${folder.uri.path}/`)) throw new AppError('validation', `The contract ${path} is outside of the folder and was not read.`);
  const open = which === 'saved' ? undefined : vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  try {
    return open?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch (error) {
    throw new AppError('validation', `The contract ${path} cannot be read: check the path.`, {}, error);
  }
}

async function readFlag(connection: Connection, name: string, signal?: AbortSignal): ReturnType<GatePorts['readFlag']> {
  try {
    return (await requireOpen(connection).client.readFlag(connection.project, name, signal)).flag;
  } catch (error) {
    if (toAppError(error).code === 'notFound') return undefined;
    throw error;
  }
}

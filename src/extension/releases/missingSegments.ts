import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import { mayCreateSegment } from '../../core/flags/permissions.ts';
import type { Stage } from '../../core/workspace/plan.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';

/** A segment that a plan names and a server does not have. */
export interface MissingSegment {
  readonly connection: Connection;
  readonly segment: string;
}

/** What tells plans as they stand in the editor: a segment may be made before the stage that names it is saved. */
export interface PlanTexts {
  readonly connections: Connections;
  readonly files: WorkspaceFiles;
}

function stagesIn(files: WorkspaceFiles, folder: vscode.WorkspaceFolder): readonly Stage[] {
  return (files.of(folder)?.file.config?.models ?? []).flatMap(({ plan = [] }) => plan);
}

/** Each once by server; nothing about servers whose segments were not read. */
export function missingSegments({ connections, files }: PlanTexts, folder?: vscode.WorkspaceFolder): MissingSegment[] {
  const found = new Map<string, MissingSegment>();
  for (const { connection, folder: own } of connections.targets) {
    const { session, baseUrl } = connection;
    if (session?.store.snapshot === undefined || (folder !== undefined && own !== folder)) continue;
    const known = new Set([...session.store.snapshot.segments.values()].flatMap(({ id, name }) => [name, String(id)]));
    for (const { segment } of stagesIn(files, own)) {
      if (segment !== undefined && !known.has(segment)) found.set(JSON.stringify([baseUrl, segment]), { connection, segment });
    }
  }
  return [...found.values()];
}

/** Offers to make the segments that problems at stages of a plan are about, to those who may. */
export function segmentFixes(texts: PlanTexts, { uri }: vscode.TextDocument, diagnostics: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder === undefined || settings.readOnly()) return [];
  const missing = missingSegments(texts, folder);
  const stages = stagesIn(texts.files, folder);
  return diagnostics.filter(({ code }) => code === 'unknownSegment').flatMap((problem) => {
    const stage = stages.find(({ segment, range: { start } }) => segment !== undefined && start.line === problem.range.start.line && start.column === problem.range.start.character);
    const found = missing.find(({ segment }) => segment === stage?.segment);
    if (found === undefined || (found.connection.identity !== undefined && !mayCreateSegment(found.connection.identity))) return [];
    const title = `Create Segment "${plainLine(found.segment, 60)}" in Unleash...`;
    const fix = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    fix.command = { title, command: Command.createSegment, arguments: [{ segment: found.segment }] };
    fix.diagnostics = [problem];
    return [fix];
  });
}

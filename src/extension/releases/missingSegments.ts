import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import { mayCreateSegment } from '../../core/flags/permissions.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';

/** A segment that a plan names and a server does not have. */
export interface MissingSegment {
  readonly connection: Connection;
  readonly segment: string;
}

/** Each once by server; nothing about servers whose segments were not read. */
export function missingSegments(connections: Connections, folder?: vscode.WorkspaceFolder): MissingSegment[] {
  const found = new Map<string, MissingSegment>();
  for (const { connection, models, folder: own } of connections.targets) {
    const { session, baseUrl } = connection;
    if (session?.store.snapshot === undefined || (folder !== undefined && own !== folder)) continue;
    const known = new Set([...session.store.snapshot.segments.values()].flatMap(({ id, name }) => [name, String(id)]));
    for (const { segment } of models.flatMap(({ plan = [] }) => plan)) {
      if (segment !== undefined && !known.has(segment)) found.set(JSON.stringify([baseUrl, segment]), { connection, segment });
    }
  }
  return [...found.values()];
}

/** Offers to make the segments that problems at stages of a plan are about, to those who may. */
export function segmentFixes(connections: Connections, { uri }: vscode.TextDocument, diagnostics: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder === undefined || settings.readOnly()) return [];
  const missing = missingSegments(connections, folder);
  const stages = connections.targets.filter((target) => target.folder === folder).flatMap(({ models }) => models.flatMap(({ plan = [] }) => plan));
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

import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import type { CallSite, KnownKey } from '../../core/callsites/model.ts';
import { quotedPlace } from '../../core/callsites/quoted.ts';
import type { SiteProblemCode } from '../../core/callsites/siteProblems.ts';
import { isFlagName } from '../../core/flags/createFlag.ts';
import { lackingToCreate } from '../../core/flags/permissions.ts';
import { nearestFew } from '../../core/workspace/suggest.ts';
import type { Target } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { SOURCE } from './codeProblems.ts';

const MOST_SUGGESTIONS = 3;

export interface FixContext {
  readonly document: vscode.TextDocument;
  readonly diagnostics: readonly vscode.Diagnostic[];
  readonly sites: readonly CallSite[];
  readonly target: Target;
}

/** What one may do about the problems of flags at a place in code. */
export async function problemFixes({ document, diagnostics, sites, target }: FixContext): Promise<vscode.CodeAction[]> {
  const fixes: vscode.CodeAction[] = [];
  for (const diagnostic of diagnostics.filter(({ source }) => source === SOURCE)) {
    const site = sites.find(({ keyRange, nameRange }) => toRange(keyRange ?? nameRange).isEqual(diagnostic.range));
    if (site === undefined) continue;
    for (const key of site.keys) {
      // With several keys at one place the message says which of them is meant.
      if (!diagnostic.message.includes(`"${plainLine(key.value, 1000)}"`)) continue;
      const made = await fixesOf(diagnostic.code as SiteProblemCode, { document, site, key, target });
      for (const fix of made) fix.diagnostics = [diagnostic];
      fixes.push(...made);
    }
  }
  return fixes;
}

interface KeyAtSite {
  readonly document: vscode.TextDocument;
  readonly site: CallSite;
  readonly key: KnownKey;
  readonly target: Target;
}

async function fixesOf(code: SiteProblemCode, at: KeyAtSite): Promise<vscode.CodeAction[]> {
  switch (code) {
    case 'unknownFlag':
      return [...await replacements(at), ...creation(at)];
    case 'archivedFlag':
      return finishing(at, [['Current', Command.finishKeepCurrent], ['Candidate', Command.finishKeepCandidate]]);
    case 'staleFlag':
    case 'potentiallyStaleFlag':
      return finishing(at, [['Candidate', Command.finishKeepCandidate], ['Current', Command.finishKeepCurrent]]);
  }
}

/** Flags with a similar name, where the key's text can be told: in the call, or where the one name is given its value. */
async function replacements(at: KeyAtSite): Promise<vscode.CodeAction[]> {
  const flags = at.target.connection.session?.store.snapshot?.flags.keys() ?? [];
  // What stands between quotes must not end them, whatever a server calls its flags.
  const names = nearestFew(at.key.value, flags, MOST_SUGGESTIONS).filter((name) => isFlagName(name) && !/['"`]/.test(name));
  const place = names.length === 0 ? undefined : await textOfKey(at);
  if (place === undefined) return [];
  return names.map((name, index) => {
    const where = place.uri.toString() === at.document.uri.toString() ? '' : ` in ${vscode.workspace.asRelativePath(place.uri)}`;
    const fix = new vscode.CodeAction(`Change to "${name}"${where}`, vscode.CodeActionKind.QuickFix);
    fix.edit = new vscode.WorkspaceEdit();
    fix.edit.replace(place.uri, place.range, name);
    fix.isPreferred = index === 0;
    return fix;
  });
}

async function textOfKey({ document, site, key, target }: KeyAtSite): Promise<vscode.Location | undefined> {
  if (site.keyRange !== undefined) {
    const range = toRange(site.keyRange);
    const found = quotedPlace(document.getText(range), key.value);
    const start = document.offsetAt(range.start);
    if (found !== undefined) return new vscode.Location(document.uri, new vscode.Range(document.positionAt(start + found.start), document.positionAt(start + found.end)));
  }
  const { definition } = key;
  if (definition === undefined || definition.path.endsWith('.ipynb')) return undefined;
  try {
    const defining = await vscode.workspace.openTextDocument(definition.path === '' ? document.uri : vscode.Uri.joinPath(target.folder.uri, definition.path));
    const { end } = definition.range;
    const found = quotedPlace(defining.lineAt(end.line).text.slice(end.character), key.value);
    return found && new vscode.Location(defining.uri, new vscode.Range(end.line, end.character + found.start, end.line, end.character + found.end));
  } catch {
    return undefined;
  }
}

function creation({ key, target: { connection } }: KeyAtSite): vscode.CodeAction[] {
  const { identity, project, baseUrl, session } = connection;
  const environments = (session?.store.snapshot?.environments ?? []).map(({ name }) => name);
  if (settings.readOnly() || identity === undefined || !isFlagName(key.value) || lackingToCreate(identity, project, environments) !== undefined) return [];
  const title = `Create "${plainLine(key.value, 60)}" in Unleash at 0 %...`;
  const fix = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  fix.command = { title, command: Command.createFlag, arguments: [{ flag: key.value, project, baseUrl }] };
  return [fix];
}

/** Finishing a release rewrites Python. */
function finishing({ document, key }: KeyAtSite, arms: readonly (readonly [string, string])[]): vscode.CodeAction[] {
  if (document.languageId !== 'python') return [];
  return arms.map(([arm, command]) => {
    const title = `Finish Release: Keep ${arm} (${plainLine(key.value, 40)})...`;
    const fix = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    fix.command = { title, command, arguments: [{ flag: key.value }] };
    return fix;
  });
}

function toRange({ start, end }: CallSite['range']): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

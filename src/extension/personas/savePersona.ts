import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import type { EvaluationContext } from '../../core/personas/model.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { configurationUri, type WorkspaceFileReader } from '../connection/workspaceFiles.ts';

/** Asks for a name and writes the context into the folder's `modelswitch.yaml`, which is made when there is none. */
export async function saveAsPersona(connections: Connections, connection: Connection, context: EvaluationContext): Promise<void> {
  const target = connections.targets.find((each) => each.connection === connection);
  if (target === undefined) throw new AppError('validation', 'Open a folder first: personas stand in its modelswitch.yaml.');
  const { addPersona } = await import('../connection/workspaceFile.lazy.ts');
  const uri = configurationUri(target.folder);
  const document = await vscode.workspace.openTextDocument(uri).then((found) => found, () => undefined);
  const text = document?.getText() ?? 'version: 1\n';
  const name = await vscode.window.showInputBox({
    title: 'Save as persona', prompt: 'What the persona is called, such as internal tester', ignoreFocusOut: true,
    validateInput: (value) => problem(addPersona, text, value.trim(), context),
  });
  if (name === undefined) return;
  const edited = addPersona(text, { name: name.trim(), context });
  if (document === undefined) await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(edited));
  else await replace(document, edited);
  const shown = await vscode.window.showTextDocument(uri);
  const line = shown.document.positionAt(Math.max(0, shown.document.getText().indexOf(name.trim())));
  shown.revealRange(new vscode.Range(line, line));
}

function problem(addPersona: WorkspaceFileReader['addPersona'], text: string, name: string, context: EvaluationContext): string | undefined {
  if (name === '') return 'A persona needs a name';
  try {
    addPersona(text, { name, context });
    return undefined;
  } catch (error) {
    return toAppError(error).message;
  }
}

/** Saves, unless the person has changes of their own in the file. */
async function replace(document: vscode.TextDocument, text: string): Promise<void> {
  const wasDirty = document.isDirty;
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  if (!await vscode.workspace.applyEdit(edit)) throw new AppError('internal', 'modelswitch.yaml could not be edited.');
  if (!wasDirty) await document.save();
}

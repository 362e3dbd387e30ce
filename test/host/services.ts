import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { loadWorkspaceFile } from '../../src/extension/connection/workspaceFile.lazy.ts';
import type { Services } from '../../src/extension/services.ts';
import type { Confirmation } from '../../src/extension/platform/prompts.ts';

export const extensionId = 'modelswitch.modelswitch';

/** The running extension, and the server that the runner started for it. */
export async function services(): Promise<Services> {
  const extension = vscode.extensions.getExtension<Services>(extensionId);
  assert.ok(extension, 'the extension is not installed');
  return extension.activate();
}

export const server = {
  url: process.env['UNLEASH_URL'] ?? '',
  token: process.env['UNLEASH_TOKEN'] ?? '',
};

/** A call of the Admin API by somebody else than the extension. */
export async function admin(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${server.url}/api/admin/projects/default${path}`, {
    method,
    headers: { authorization: server.token, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok || response.status === 409 || response.status === 404, `${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

export async function eventually(condition: () => boolean | Promise<boolean>, what: string, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`not within ${withinMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Writes `modelswitch.yaml`, and waits until the extension goes by it: a test must not meet the file of the one before. */
export async function useConfiguration(all: Services, text: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders![0]!;
  await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder.uri, 'modelswitch.yaml'), new TextEncoder().encode(text));
  // As JSON: what the extension read is made of its own classes, not of the test's.
  const wanted = JSON.stringify(loadWorkspaceFile(text));
  const files = (): string[] => [all.files.of(folder), all.files.saved(folder)].map((loaded) => JSON.stringify(loaded?.file));
  await eventually(() => files().every((file) => file === wanted), 'the extension has read modelswitch.yaml');
  await Promise.all([all.connections.update(), all.registries.update()]);
}

/** Confirms every question, or cancels it, and keeps what was asked. A host under test shows no modals. */
export function answering(all: Services, answer: 'confirm' | 'cancel'): Confirmation[] {
  const asked: Confirmation[] = [];
  all.prompts.current = {
    confirm: (confirmation) => {
      asked.push(confirmation);
      return Promise.resolve(answer === 'confirm');
    },
  };
  return asked;
}

export async function openFile(name: string): Promise<vscode.TextDocument> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, name));
  await vscode.window.showTextDocument(document);
  return document;
}

/** The titles of a document's lenses by line, counted from 1. */
export async function lenses(document: vscode.TextDocument): Promise<Map<number, string[]>> {
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
  const byLine = new Map<number, string[]>();
  for (const { range, command } of found) {
    const line = range.start.line + 1;
    byLine.set(line, [...byLine.get(line) ?? [], command?.title ?? '']);
  }
  return byLine;
}

/** What the hovers of a place say, piece by piece and as one text. */
export async function hoverAt({ uri }: vscode.TextDocument, line: number, character: number): Promise<{ readonly contents: readonly vscode.MarkdownString[]; readonly text: string }> {
  const found = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', uri, new vscode.Position(line, character));
  const contents = found.flatMap((hover) => hover.contents as vscode.MarkdownString[]);
  return { contents, text: contents.map(({ value }) => value).join('\n\n') };
}

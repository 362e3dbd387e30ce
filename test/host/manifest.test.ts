import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command, ContextKey, INTERNAL_COMMANDS, Setting, SETTINGS_SECTION, View } from '../../src/extension/ids.ts';
import { extensionId, services } from './services.ts';

interface Manifest {
  readonly contributes: {
    readonly commands: { command: string; enablement?: string }[];
    readonly views: Record<string, { id: string }[]>;
    readonly configuration: { properties: Record<string, unknown> };
    readonly menus: Record<string, { command: string; when?: string }[]>;
    readonly viewsWelcome: { contents: string; when: string }[];
  };
}

describe('the manifest', () => {
  const { contributes } = vscode.extensions.getExtension(extensionId)!.packageJSON as Manifest;
  const contributed = contributes.commands.map(({ command }) => command);

  it('contributes the commands that are registered, and no others', async () => {
    await services();
    const registered = (await vscode.commands.getCommands(true)).filter((command) => command.startsWith('modelswitch.') && !Object.values(View).some((view) => command.startsWith(`${view}.`)));
    assert.deepEqual(registered.toSorted(), contributed.toSorted());
    assert.deepEqual(Object.values(Command).toSorted(), contributed.toSorted());
  });

  it('keeps internal commands out of the palette', () => {
    const hidden = (contributes.menus['commandPalette'] ?? []).filter(({ when }) => when === 'false').map(({ command }) => command);
    assert.deepEqual(hidden.toSorted(), INTERNAL_COMMANDS.toSorted());
  });

  it('uses only context keys that are set somewhere', () => {
    const known = new Set<string>([...Object.values(ContextKey), ...Object.values(View)]);
    const conditions = [...Object.values(contributes.menus).flat(), ...contributes.viewsWelcome].map(({ when }) => when ?? '');
    const used = [...conditions, ...contributes.commands.map(({ enablement }) => enablement ?? '')].flatMap((condition) => condition.match(/\bmodelswitch\.[a-zA-Z.]+/g) ?? []);
    assert.ok(used.length > 0);
    assert.deepEqual(used.filter((key) => !known.has(key)), []);
  });

  it('has menu entries for commands that exist', () => {
    for (const { command } of Object.values(contributes.menus).flat()) assert.ok(contributed.includes(command), command);
    for (const { contents } of contributes.viewsWelcome) {
      for (const [, command] of contents.matchAll(/\(command:(modelswitch\.[^)]+)\)/g)) assert.ok(contributed.includes(command!), command);
    }
  });

  it('contributes the settings and the views that the code names', () => {
    assert.deepEqual(Object.keys(contributes.configuration.properties).toSorted(), Object.values(Setting).map((key) => `${SETTINGS_SECTION}.${key}`).toSorted());
    assert.deepEqual(Object.values(contributes.views).flat().map(({ id }) => id), Object.values(View));
  });
});

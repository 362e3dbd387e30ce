import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';

export interface Confirmation {
  readonly message: string;
  readonly detail: string;
  /** The button that says what will be done. */
  readonly verb: string;
}

/** Asking a person: a port, because a VS Code host under test refuses every modal. */
export interface Prompts {
  /** Whether the person chose the verb. */
  confirm(confirmation: Confirmation): Promise<boolean>;
}

export const modalPrompts: Prompts = {
  confirm: async ({ message, detail, verb }) => {
    const button = plainLine(verb, 60);
    return (await vscode.window.showWarningMessage(plainLine(message, 400), { modal: true, detail }, button)) === button;
  },
};

import * as vscode from 'vscode';

export interface Confirmation {
  readonly message: string;
  readonly detail: string;
  /** The buttons, each a verb; the first is the main one. */
  readonly verbs: readonly string[];
}

/** Asking a person: a port, because a VS Code host under test refuses every modal. */
export interface Prompts {
  /** The verb that was chosen, or undefined when the person cancelled. */
  confirm(confirmation: Confirmation): Promise<string | undefined>;
}

export const modalPrompts: Prompts = {
  confirm: async ({ message, detail, verbs }) => vscode.window.showWarningMessage(message, { modal: true, detail }, ...verbs),
};

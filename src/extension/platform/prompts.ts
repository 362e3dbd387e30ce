import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';

export interface Confirmation {
  readonly message: string;
  readonly detail: string;
  /** The button that says what will be done. */
  readonly verb: string;
  /** Another way on, on a button of its own; choosing it does not confirm. */
  readonly instead?: { readonly verb: string; readonly run: () => void } | undefined;
}

export interface Question {
  readonly title: string;
  readonly prompt: string;
}

/** Asking a person: a port, because a VS Code host under test refuses every modal. */
export interface Prompts {
  /** Whether the person chose the verb. */
  confirm(confirmation: Confirmation): Promise<boolean>;
  /** A line of text, or undefined when the person gave up; where nobody can be asked, nothing goes on. */
  ask?(question: Question): Promise<string | undefined>;
}

export const modalPrompts: Prompts = {
  ask: async ({ title, prompt }) => vscode.window.showInputBox({ title: plainLine(title, 200), prompt: plainLine(prompt, 400), ignoreFocusOut: true, validateInput: (text) => (text.trim() === '' ? 'A reason is needed.' : undefined) }),
  confirm: async ({ message, detail, verb, instead }) => {
    const [button, other] = [plainLine(verb, 60), instead === undefined ? [] : [instead.verb]];
    const chosen = await vscode.window.showWarningMessage(plainLine(message, 400), { modal: true, detail }, button, ...other);
    if (chosen !== button && chosen === instead?.verb) instead?.run();
    return chosen === button;
  },
};

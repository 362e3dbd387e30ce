import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';

export interface InputStep {
  readonly prompt: string | ((answers: readonly string[]) => string);
  readonly placeholder: string;
  readonly password?: boolean;
  readonly value: (answers: readonly string[]) => string;
  /** The sentence that says what is wrong, or undefined; may ask a server. */
  readonly validate: (value: string, answers: readonly string[]) => Promise<string | undefined>;
}

export const BACK = Symbol('back');

/** Where a question stands in a row of questions. */
export interface Frame {
  readonly title: string;
  /** Counted from 1; at the first there is nothing to go back to. */
  readonly step: number;
  readonly totalSteps: number;
}

/** Several input boxes in a row, with step numbers and a back button. */
export class InputFlow {
  readonly #title: string;
  readonly #totalSteps: number;

  constructor(title: string, totalSteps: number) {
    this.#title = title;
    this.#totalSteps = totalSteps;
  }

  /** The answers in order, or undefined when the person gave up. */
  async run(steps: readonly InputStep[]): Promise<readonly string[] | undefined> {
    const answers: string[] = [];
    const given: string[] = [];
    while (answers.length < steps.length) {
      const step = steps[answers.length];
      if (step === undefined) break;
      const answer = await askText({ title: this.#title, step: answers.length + 1, totalSteps: this.#totalSteps }, step, answers, given[answers.length]);
      if (answer === undefined) return undefined;
      if (answer === BACK) answers.pop();
      else {
        given[answers.length] = step.password === true ? '' : answer;
        answers.push(answer);
      }
    }
    return answers;
  }
}

/** One input box; undefined when the person gave up. @param given what was answered before somebody went back */
export function askText({ title, step: number, totalSteps }: Frame, step: InputStep, answers: readonly string[] = [], given?: string): Promise<string | typeof BACK | undefined> {
  const input = vscode.window.createInputBox();
  input.title = title;
  input.step = number;
  input.totalSteps = totalSteps;
  input.prompt = plainLine(typeof step.prompt === 'string' ? step.prompt : step.prompt(answers), 500);
  input.placeholder = step.placeholder;
  input.password = step.password ?? false;
  input.ignoreFocusOut = true;
  input.value = given ?? step.value(answers);
  input.buttons = number > 1 ? [vscode.QuickInputButtons.Back] : [];
  return new Promise((resolve) => {
    const finish = (answer: string | typeof BACK | undefined): void => {
      resolve(answer);
      input.dispose();
    };
    input.onDidTriggerButton(() => finish(BACK));
    input.onDidHide(() => finish(undefined));
    input.onDidChangeValue(() => (input.validationMessage = undefined));
    input.onDidAccept(async () => {
      if (input.busy) return;
      const value = input.value;
      input.busy = true;
      const problem = await step.validate(value, answers);
      input.busy = false;
      if (problem === undefined) finish(value);
      else input.validationMessage = plainLine(problem, 500);
    });
    input.show();
  });
}

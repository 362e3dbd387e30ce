import * as vscode from 'vscode';
import { BACK, type Frame } from './inputFlow.ts';

/** What a question gives: an answer, the way back, or undefined when the person gave up. */
export type Answer<T> = T | typeof BACK | undefined;

/** One question of a row whose later questions depend on earlier answers. */
export interface FlowStep<State> {
  /** Whether it is asked at all, by the answers so far. */
  readonly applies: (state: State) => boolean;
  /** The state with the answer in it. What stands in it from before somebody went back is what to begin with. */
  readonly ask: (state: State, frame: Frame) => Promise<Answer<State>>;
}

/** Asks the steps that apply, one after another, with numbers and a way back; undefined when the person gave up. Failures of a step end the row. */
export async function runFlow<State>(title: (state: State) => string, steps: readonly FlowStep<State>[], start: State): Promise<State | undefined> {
  let state = start;
  const asked: number[] = [];
  for (let at = 0; at < steps.length;) {
    const step = steps[at];
    if (step === undefined || !step.applies(state)) {
      at += 1;
      continue;
    }
    const later = steps.slice(at + 1).filter((each) => each.applies(state)).length;
    const answer = await step.ask(state, { title: title(state), step: asked.length + 1, totalSteps: asked.length + 1 + later });
    if (answer === undefined) return undefined;
    if (answer === BACK) at = asked.pop() ?? at;
    else {
      state = answer;
      asked.push(at);
      at += 1;
    }
  }
  return state;
}

export interface PickQuestion<Item extends vscode.QuickPickItem> {
  readonly placeholder: string;
  /** What it offers; what takes long is told by a bar, and ended when the person leaves. */
  readonly items: (signal: AbortSignal) => Promise<readonly Item[]>;
  /** Whether an item is what holds now: it is the one that Enter takes, or, where several may be chosen, marked. */
  readonly isCurrent: (item: Item) => boolean;
  readonly many?: boolean;
}

/** One list with a back button from the second step on. @throws what reading the items throws */
export async function askPick<Item extends vscode.QuickPickItem>({ title, step, totalSteps }: Frame, { placeholder, items, isCurrent, many = false }: PickQuestion<Item>): Promise<Answer<readonly Item[]>> {
  const pick = vscode.window.createQuickPick<Item>();
  const abort = new AbortController();
  Object.assign(pick, { title, step, totalSteps, placeholder, canSelectMany: many, matchOnDescription: true, ignoreFocusOut: true, busy: true, buttons: step > 1 ? [vscode.QuickInputButtons.Back] : [] });
  try {
    return await new Promise<Answer<readonly Item[]>>((resolve, reject) => {
      pick.onDidTriggerButton(() => resolve(BACK));
      pick.onDidHide(() => resolve(undefined));
      pick.onDidAccept(() => {
        if (!pick.busy && (many || pick.selectedItems.length > 0)) resolve(pick.selectedItems);
      });
      pick.show();
      void items(abort.signal).then((offered) => {
        if (abort.signal.aborted) return;
        pick.items = offered;
        const current = offered.filter(isCurrent);
        if (many) pick.selectedItems = current;
        // An empty list would leave Enter without an answer.
        else pick.activeItems = (current.length > 0 ? current : offered).slice(0, 1);
        pick.busy = false;
      }, reject);
    });
  } finally {
    abort.abort();
    pick.dispose();
  }
}

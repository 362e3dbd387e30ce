/** Begins what tests print in the extension host: the workbench logs a great deal of its own beside it. */
export const hostLogMark = '[test] ';

/** Prints a line from inside the extension host to the one who watches the run. */
export function hostLog(line: string): void {
  console.log(`${hostLogMark}${line}`);
}

/** What code actions and Finish Release compute with; nothing of it is needed before the first of them. */
export { finishInNotebooks } from '../../core/refactor/finishInNotebooks.ts';
export { sitesOfFlag } from './sitesOfFlag.ts';
export { callAt, wrapInSwitch } from '../../core/refactor/wrap/wrapInSwitch.ts';

/** What code actions and Finish Release compute with; nothing of it is needed before the first of them. */
export { finishFlag, pickFlagToFinish } from './finishRelease.ts';
export { callAt, wrapInSwitch } from '../../core/refactor/wrap/wrapInSwitch.ts';
export { addShadowCall } from '../../core/refactor/wrap/shadowCall.ts';

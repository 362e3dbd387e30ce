/** What finds call sites in documents; nothing of it is needed before the first of them is read. */
export { CallSiteTracker } from '../../adapters/treeSitter/tracker.ts';
export { callSiteLanguages } from '../../adapters/workspaceIndex/languages.ts';

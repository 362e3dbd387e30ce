/** Suites in the editor, and what reads, runs and judges them: loaded when somebody first looks at one, or when a gate asks. */
export { suitesOnDisk } from '../../adapters/suites/suitesOnDisk.ts';
export { SuitesFeature } from './suitesFeature.ts';

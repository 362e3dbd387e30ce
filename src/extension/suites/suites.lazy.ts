/** The Test Explorer's suites, and what runs and judges them: loaded when somebody first looks at them, or when a gate asks. */
export { suitesOnDisk } from '../../adapters/suites/suitesOnDisk.ts';

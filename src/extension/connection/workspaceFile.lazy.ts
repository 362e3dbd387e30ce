/** Reads `modelswitch.yaml`, says what is wrong in it and writes into it. The parser of YAML weighs a quarter of what activation may load, and a window may have no such file. */
export { LARGEST_BYTES, loadWorkspaceFile, tooLargeFile } from '../../core/workspace/load.ts';
export { semanticProblems } from '../../core/workspace/semantics.ts';
export { mappingProblems } from '../../core/models/mappingProblems.ts';
export { addPersona } from '../../core/personas/edit.ts';

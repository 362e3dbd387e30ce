import { nestsTooDeeply } from '../workspace/load.ts';
import { Source, type Problem } from '../workspace/source.ts';

const LARGEST = 16 * 1024 * 1024;
const MARKER = /^(<{7}|={7}|>{7})(?: |\r?$)/m;

/** A YAML file of a pipeline, or what keeps it from being read. */
export type PipelineText = { readonly source: Source; readonly problems: readonly Problem[] } | { readonly problems: readonly Problem[] };

/**
 * Parses `dvc.yaml`, `dvc.lock` or a `.dvc` file. A file with conflict markers, one that is too large or no YAML gives one problem that
 * says what to do; it is not guessed at.
 * @param mend what to do about a file that is broken, such as `run dvc repro`
 */
export function parsePipelineText(text: string, name: string, mend: string): PipelineText {
  const marker = MARKER.exec(text);
  if (marker !== null) {
    return refused(`${name} has the conflict markers of an unfinished merge: resolve them, then ${mend}.`, text.slice(0, marker.index).split('\n').length - 1, marker.index);
  }
  if (text.length > LARGEST) return refused(`${name} is larger than 16 MB, which is more than any pipeline needs: it is not read.`);
  if (nestsTooDeeply(text)) return refused(`${name} nests too deeply to be read: restore it, then ${mend}.`);
  try {
    const source = new Source(text);
    const [error] = source.problems.filter(({ severity }) => severity === 'error');
    if (error !== undefined) return { problems: [{ ...error, message: `${name}: ${error.message}` }] };
    return { source, problems: source.problems };
  } catch (error) {
    return refused(`${name} cannot be read (${error instanceof Error ? error.message : String(error)}): restore it, then ${mend}.`);
  }
}

function refused(message: string, line = 0, offset = 0): PipelineText {
  const start = { offset, line, column: 0 };
  return { problems: [{ code: 'syntax', severity: 'error', message, range: { start, end: start } }] };
}

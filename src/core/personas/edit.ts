import { isMap, isSeq, parseDocument, stringify } from 'yaml';
import { AppError } from '../base/errors.ts';
import { loadWorkspaceFile } from '../workspace/load.ts';
import type { EvaluationContext, NamedContext } from './model.ts';
import { contextKey, namedContext } from './model.ts';

/** One persona as a line of YAML, values in quotes where YAML would read them as something else than text. */
function personaLine(name: string, { userId, sessionId, ...properties }: EvaluationContext): string {
  const entry = {
    name, ...(userId === undefined ? {} : { userId }), ...(sessionId === undefined ? {} : { sessionId }), ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
  return stringify(entry, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}

/** Ends the text with a line break, in the kind that it uses. */
function insertAfter(text: string, offset: number, line: string, eol: string): string {
  const lineEnd = text.indexOf('\n', offset);
  const head = lineEnd < 0 ? `${text}${text === '' || text.endsWith('\n') ? '' : eol}` : text.slice(0, lineEnd + 1);
  return `${head}${line}${eol}${lineEnd < 0 ? '' : text.slice(lineEnd + 1)}`;
}

function insert(text: string, line: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const document = parseDocument(text, { stringKeys: true, logLevel: 'error' });
  const personas = document.get('personas', true);
  const last = isSeq<{ range?: [number, number, number] | null }>(personas) ? personas.items.at(-1) : undefined;
  const isBlock = isSeq(personas) && personas.flow !== true && last?.range != null;
  if (isBlock && personas.range != null) {
    // The text is spliced, not written anew: everything else in it stays as it is, to the byte.
    const [, end] = last.range ?? [0, 0];
    const column = personas.range[0] - (text.lastIndexOf('\n', personas.range[0] - 1) + 1);
    return insertAfter(text, Math.max(0, end - 1), `${' '.repeat(column)}- ${line}`, eol);
  }
  if (isMap(document.contents) && document.contents.flow !== true && !document.has('personas')) {
    const base = text === '' || text.endsWith('\n') ? text : `${text}${eol}`;
    return `${base}personas:${eol}  - ${line}${eol}`;
  }
  const added: unknown = parseDocument(line).toJS();
  const existing = isSeq(personas) ? personas.items.length : 0;
  if (existing > 0) document.addIn(['personas'], document.createNode(added, { flow: true }));
  else document.set('personas', document.createNode([added]));
  return document.toString({ lineWidth: 0 });
}

/**
 * A `modelswitch.yaml` with one persona more, comments and order kept.
 * @throws AppError validation when the file cannot be read, or has a persona of that name
 */
export function addPersona(text: string, added: NamedContext): string {
  const { config } = loadWorkspaceFile(text);
  if (config === undefined) throw new AppError('validation', 'modelswitch.yaml cannot be read as it stands: mend its problems first.');
  if (config.personas.some(({ name }) => name === added.name)) throw new AppError('validation', `There is a persona called ${added.name} already.`);
  const edited = insert(text, personaLine(added.name, added.context));
  const written = loadWorkspaceFile(edited).config?.personas.find(({ name }) => name === added.name);
  if (written === undefined || contextKey(namedContext(written).context) !== contextKey(added.context)) {
    throw new AppError('internal', 'modelswitch.yaml has a form that a persona cannot be added to: add it by hand.');
  }
  return edited;
}

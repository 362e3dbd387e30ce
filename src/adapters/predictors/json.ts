import type { Json } from '../../core/suites/json.ts';

const BARE = /"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b/g;

/** Reads JSON as Python writes it: NaN and infinities stand bare in it, and become texts. @throws SyntaxError */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (!/\b(?:NaN|Infinity)\b/.test(text)) throw error;
    return JSON.parse(text.replace(BARE, (found) => (found.startsWith('"') ? found : `"${found}"`))) as Json;
  }
}

/** The beginning of what was no answer, for a message. */
export function excerpt(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

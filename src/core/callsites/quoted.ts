import type { Span } from './syntax.ts';

/** Where a text stands in quotes in a piece of code, without the quotes; undefined when it stands there not at all or more than once. */
export function quotedPlace(code: string, text: string): Span | undefined {
  const found: Span[] = [];
  for (let at = code.indexOf(text); text !== '' && at >= 0; at = code.indexOf(text, at + 1)) {
    const end = at + text.length;
    const quote = code[at - 1];
    if ((quote === '"' || quote === "'" || quote === '`') && code[end] === quote) found.push({ start: at, end });
  }
  return found.length === 1 ? found[0] : undefined;
}

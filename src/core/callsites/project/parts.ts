import type { Expression } from './summary.ts';

/** Source text for a message: in backquotes, on one line, at most 40 characters. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().replaceAll('`', "'");
  return `\`${line.length > 40 ? `${line.slice(0, 39)}…` : line}\``;
}

type Part = Extract<Expression, { kind: 'join' }>['parts'][number];

/** Joins neighbouring texts at once, so that a plain literal is a plain text. */
export function joined(parts: readonly Part[]): Expression {
  const found: Part[] = [];
  for (const part of parts.flatMap((each) => !each.formatted && each.value.kind === 'join' ? each.value.parts : [each])) {
    const last = found.at(-1);
    if (last?.value.kind === 'text' && part.value.kind === 'text') {
      found[found.length - 1] = { formatted: false, value: { kind: 'text', value: last.value.value + part.value.value } };
    } else {
      found.push(part);
    }
  }
  const only = found[0];
  if (!only) return { kind: 'text', value: '' };
  return found.length === 1 && only.value.kind === 'text' ? only.value : { kind: 'join', parts: found };
}

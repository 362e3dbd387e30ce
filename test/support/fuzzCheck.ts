import type { WorkspaceFile } from '../../src/core/workspace/config.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import { TOKENS } from './fuzz.ts';

/** What is wrong with how a text was read, in words; empty when all is as it should be. Throws what the loader throws. */
export function complaints(text: string): string[] {
  const { config, problems } = loadWorkspaceFile(text);
  const found: string[] = [];
  const present = TOKENS.filter((token) => text.includes(token));
  for (const { range: { start, end }, message, code } of problems) {
    const inside = start.offset >= 0 && start.offset <= end.offset && end.offset <= text.length && start.line >= 0 && start.column >= 0;
    if (!inside) found.push(`a range outside of the text: ${JSON.stringify({ start, end })}`);
    const isSentence = /^\S.{18,998}[^.…][.?]$/u.test(message) && !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(message);
    if (!isSentence) found.push(`no plain sentence: ${code} ${message}`);
    if (/cannot be read: /.test(message)) found.push(`an unforeseen failure: ${message}`);
    if (present.some((token) => message.includes(token.slice(0, 20)) || message.includes(token.slice(-20))) || message.includes('me:secretpw')) found.push(`a secret in the message: ${message}`);
  }
  if (config === undefined && problems.length === 0) found.push('nothing read, and no reason');
  return [...found, ...unreported(text, present, problems)];
}

function unreported(text: string, present: readonly string[], problems: WorkspaceFile['problems']): string[] {
  // The list of problems is cut at 100, and of a text that is too large or too deep no more than that is said.
  if (problems.length >= 100 || problems.some(({ code }) => code === 'size')) return [];
  return present.filter((token) => {
    const at = text.indexOf(token);
    // Glued to a word it is part of another text.
    if (/[\w*-]/.test(text[at - 1] ?? '') && !token.startsWith('user:')) return false;
    // Of two that are glued together the place of one is marked.
    return !problems.some(({ code, range }) => code === 'secret' && range.start.offset < at + token.length && range.end.offset > at);
  }).map((token) => `a token that is not reported: ${token.slice(0, 12)}`);
}

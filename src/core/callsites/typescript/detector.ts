import type { Detector } from '../detector.ts';
import { TYPESCRIPT_DOCUMENTS } from '../languages.ts';
import type { DocumentSummary, Summarizer } from '../project/language.ts';
import { editorLineStarts } from '../lines.ts';
import { SUMMARY_VERSION, type FileSummary } from '../project/summary.ts';
import type { Source } from '../syntax.ts';
import { typescriptRules } from './rules.ts';
import { Visitor } from './visitor.ts';

/** Summaries of TypeScript and JavaScript, with JSX: one grammar, TSX, reads them all. */
export const typescriptSummarizer: Summarizer = {
  rules: typescriptRules,
  endings: ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'],
  words: [...typescriptRules.questions.keys(), ...typescriptRules.questionFunctions],
  open: (): DocumentSummary => ({ summary: summarize }),
};

function summarize(source: Source): FileSummary {
  const visitor = new Visitor(source);
  const module = visitor.module();
  return { version: SUMMARY_VERSION, language: typescriptRules.id, lines: editorLineStarts(source.text), module, exports: visitor.exports, limits: visitor.limits };
}

/** Call sites of the JavaScript SDKs of Unleash and OpenFeature, of React hooks, and of wrappers around them. */
export const typescriptDetector: Detector = { languages: TYPESCRIPT_DOCUMENTS, summarizer: typescriptSummarizer };

import type { Detector } from '../detector.ts';
import { PYTHON_DOCUMENTS } from '../languages.ts';
import type { Summarizer } from '../project/language.ts';
import { pythonRules } from './rules.ts';
import { PythonDocument } from './summarizer.ts';

export const pythonSummarizer: Summarizer = {
  rules: pythonRules,
  endings: ['.py'],
  words: [...pythonRules.questions.keys()],
  open: () => new PythonDocument(),
};

/** Call sites of the Python SDKs of Unleash and OpenFeature, and of wrappers around them. */
export const pythonDetector: Detector = { languages: PYTHON_DOCUMENTS, summarizer: pythonSummarizer };

import { parentPort } from 'node:worker_threads';
import { parseBulk, type BulkTexts } from './bulk.ts';

/** Answers each message with the flags in it, or with the sentence that says why there are none. */
parentPort?.on('message', ({ id, texts }: { id: number; texts: BulkTexts }) => {
  try {
    parentPort?.postMessage({ id, flags: parseBulk(texts) });
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

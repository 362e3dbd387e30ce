import { serialize } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { callSiteLanguages } from '../workspaceIndex/languages.ts';
import type { DocumentReply, DocumentRequest, DocumentThreadData } from './documentMessages.ts';
import { CallSiteTracker } from './tracker.ts';

type ReadRequest = Extract<DocumentRequest, { readonly kind: 'read' }>;

const tracker = new CallSiteTracker(callSiteLanguages((workerData as DocumentThreadData).parser));
const namesOf = new Map<string, ReadonlySet<string>>();

/** What is told is taken in at once, in the order in which it came; only the parser may have to be waited for. */
async function read({ id, uri, current, names }: ReadRequest): Promise<void> {
  if (current?.changes) tracker.changes(uri, current.version, current.text, current.changes);
  else if (current) tracker.open(uri, current.languageId, current.version, current.text);
  if (names) namesOf.set(uri, new Set(names));
  try {
    const found = await tracker.callSites(uri, namesOf.get(uri));
    // Written once here and read once by the index: the thread between them only hands it on.
    const summary = found?.summary && serialize(found.summary);
    const reply: DocumentReply = { kind: 'read', id, callSites: found?.callSites ?? [], summary };
    parentPort?.postMessage(reply, summary ? [summary.buffer] : []);
  } catch (error) {
    const reply: DocumentReply = { kind: 'failed', id, code: 'internal', message: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage(reply);
  }
}

parentPort?.on('message', (request: DocumentRequest) => {
  if (request.kind === 'read') {
    void read(request);
    return;
  }
  tracker.close(request.uri);
  namesOf.delete(request.uri);
});

import type { Detection, Detector } from '../detector.ts';
import { editorLineStarts, rangeBetween, type LineStarts } from '../lines.ts';
import { viaOf, type CallSite, type FlagKey } from '../model.ts';
import type { Source, Span, TextEdit } from '../syntax.ts';
import type { CallData } from './calls.ts';
import { ClassTable } from './classes.ts';
import { Constants } from './constants.ts';
import { API_NAMES, type Fact } from './facts.ts';
import { FactStore } from './factStore.ts';
import { Receivers } from './receivers.ts';
import { NameTable } from './scopes.ts';

/**
 * Call sites of the Python SDK: `client.is_enabled(...)` and `client.get_variant(...)`. What counts as a client is told in
 * receivers.ts, what counts as a constant in constants.ts. Calls through wrappers and aliases, and constants of other
 * modules, are not followed.
 */
export const pythonDetector: Detector = {
  languages: ['python'],
  mayHaveCallSites: (text) => API_NAMES.some((name) => text.includes(name)),
  open: () => new PythonDetection(),
};

class PythonDetection implements Detection {
  readonly #store = new FactStore();

  change(edits: readonly TextEdit[], reparsed: readonly Span[]): void {
    this.#store.change(edits, reparsed);
  }

  callSites(source: Source): readonly CallSite[] {
    this.#store.begin(source);
    const names = new NameTable(source, this.#store);
    const classes = new ClassTable(names);
    const receivers = new Receivers(names, classes);
    const constants = new Constants(names, classes);
    const lines = editorLineStarts(source.text);
    const sites: { readonly at: number; readonly site: CallSite }[] = [];
    for (const word of API_NAMES) {
      for (const fact of this.#store.facts(word)) {
        if (fact.data.kind !== 'call') continue;
        const scopes = names.scopesOf(word, fact);
        if (!receivers.isClient(fact.data.receiver, scopes)) continue;
        const key: FlagKey = fact.data.key ? constants.key(fact.data.key, scopes) : { kind: 'dynamic', cause: 'missing', reason: fact.data.missing };
        sites.push({ at: fact.at, site: callSite(lines, word, fact, fact.data, key) });
      }
    }
    this.#store.end();
    return sites.sort((a, b) => a.at - b.at).map(({ site }) => site);
  }
}

function callSite(lines: LineStarts, word: string, { at, start, end }: Fact, data: CallData, key: FlagKey): CallSite {
  const { api, offset, keySpan, context, fallback } = data;
  return {
    api,
    key,
    via: viaOf(key),
    range: rangeBetween(lines, start + offset, end),
    nameRange: rangeBetween(lines, at, at + word.length),
    keyRange: keySpan && rangeBetween(lines, start + keySpan.start, start + keySpan.end),
    arguments: { context, fallback },
  };
}

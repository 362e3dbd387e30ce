import { compile } from 'json-p3';
import type { Json } from '../../core/suites/json.ts';
import type { VersionState } from '../../core/suites/subject.ts';

/** Which versions the answers of a subject named. */
export class AnswerVersions {
  readonly #from: string | undefined;
  readonly #find: ((document: Json, header: (name: string) => string | null) => unknown) | undefined;
  readonly #seen = new Set<string>();
  #silent = 0;

  /** `from`: a JSONPath, or `header:NAME`. */
  constructor(from: string | undefined) {
    this.#from = from;
    if (from === undefined) return;
    if (from.startsWith('header:')) {
      this.#find = (_document, header) => header(from.slice(7).trim());
      return;
    }
    const query = compile(from);
    this.#find = (document) => query.match(document as never)?.value;
  }

  see(document: Json, header: (name: string) => string | null = () => null): void {
    if (this.#find === undefined) return;
    const found = this.#find(document, header);
    if (typeof found === 'string' && found !== '') this.#seen.add(found);
    else if (typeof found === 'number') this.#seen.add(String(found));
    else this.#silent += 1;
  }

  /** Established when every answer named the same. */
  state(): VersionState {
    const [version] = this.#seen;
    if (this.#from === undefined) return { kind: 'unverified', reason: 'nothing in the answers says which version they are from (version_from)' };
    if (version === undefined) return { kind: 'unverified', reason: `no answer named a version at ${this.#from}` };
    if (this.#seen.size > 1) return { kind: 'unverified', reason: `the answers came from several versions: ${[...this.#seen].slice(0, 5).join(', ')}` };
    return this.#silent > 0 ? { kind: 'unverified', reason: `${this.#silent} answers named no version at ${this.#from}` } : { kind: 'established', version, by: `the answers (${this.#from})` };
  }
}

import { namesOf } from './leftOut.ts';

/** What happened to a file that was read. */
type Loss = 'cut' | 'gone' | 'exchanged';
type Words = readonly [one: string, several: string];

const HELD: Readonly<Record<'cut' | 'gone', Words>> = {
  cut: ['was cut or written anew: it is read from its beginning. What was read before counts; what may have been appended between the last reading and the cut is not known.', 'were cut or written anew: they are read from their beginnings. What was read before counts; what may have been appended between the last reading and the cut is not known.'],
  gone: ['is gone; what it held counts.', 'are gone; what they held counts.'],
};
const LOST: Readonly<Record<Loss, Words>> = {
  cut: ['was cut or written anew, and all was read anew since: what it held before counts no more.', 'were cut or written anew, and all was read anew since: what they held before counts no more.'],
  gone: ['is gone: all was read anew since it was read, so what it held counts no more.', 'are gone: all was read anew since they were read, so what they held counts no more.'],
  exchanged: ['is another file than before, or a smaller one: what it held before counts only as far as it still does.', 'are other files than before, or smaller ones: what they held before counts only as far as they still do.'],
};

/** Of files whose lines were read on: those of which what was read counts, and those of which it does not. */
const LINES_HELD: Words = ['is gone: what was read of it counts; what may have been appended to it after the last reading is not known.', 'are gone: what was read of them counts; what may have been appended to them after the last reading is not known.'];
const LINES_LOST: Words = ['is gone: all was read anew since it was read, so what it held counts no more.', 'are gone: all was read anew since they were read, so what they held counts no more.'];

/** A file whose lines were read on and that is gone. `compressed`: names of files that may hold it. */
export interface GoneFile {
  readonly name: string;
  readonly isCounted: boolean;
  readonly compressed: readonly string[];
}

/** What is said of them: one sentence of all that are simply gone, for logs are removed when they are old. */
export function goneMessages(gone: readonly GoneFile[]): readonly string[] {
  return ([[true, LINES_HELD], [false, LINES_LOST]] as const).flatMap(([isCounted, [one, several]]) => {
    const own = gone.filter((each) => each.isCounted === isCounted);
    // Those that took turns with a name are one to who reads this.
    const names = [...new Set(own.filter(({ compressed }) => compressed.length === 0).map(({ name }) => name))];
    return [
      ...own.filter(({ compressed }) => compressed.length > 0).map(({ name, compressed }) => `${name} ${one} ${namesOf(compressed)} may hold it, but compressed files are not read.`),
      ...(names.length === 0 ? [] : [`${namesOf(names)} ${names.length === 1 ? one : several}`]),
    ];
  });
}

/** Names of files of which records were counted that no file holds any more. They count until all is read anew, and then no more; either is said at every reading, for verdicts go by it. */
export class Losses {
  readonly #cut = new Set<string>();
  #gone: ReadonlySet<string> = new Set();
  readonly #lost: Readonly<Record<Loss, Set<string>>> = { cut: new Set(), gone: new Set(), exchanged: new Set() };

  /** One whose records from before count still. */
  cut(name: string): void {
    this.#cut.add(name);
  }

  /** Those that are not there now, and whose records count still. */
  set gone(names: readonly string[]) {
    this.#gone = new Set(names);
  }

  /** One whose records from before count no more. */
  lose(loss: Loss, name: string): void {
    this.#lost[loss].add(name);
  }

  /** All is read anew. */
  loseCut(): void {
    for (const name of this.#cut) this.lose('cut', name);
    this.#cut.clear();
  }

  /** One that is there again. */
  back(name: string): void {
    this.#lost.gone.delete(name);
  }

  get messages(): readonly string[] {
    const told = (names: ReadonlySet<string>, [one, several]: Words): readonly string[] => (names.size === 0 ? [] : [`${namesOf([...names])} ${names.size === 1 ? one : several}`]);
    return [...told(this.#cut, HELD.cut), ...told(this.#gone, HELD.gone), ...(['cut', 'gone', 'exchanged'] as const).flatMap((loss) => told(this.#lost[loss], LOST[loss]))];
  }
}

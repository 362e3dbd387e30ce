import { flagVerdict, type FlagVerdict, type KnownFlags } from '../../core/callsites/siteProblems.ts';
import { didYouMean } from '../../core/workspace/suggest.ts';
import type { Connection } from '../connection/connection.ts';
import type { Notes } from './serverNotes.ts';

/** Looking for the flag that was meant takes milliseconds among thousands. */
const MOST_HINTS = 20;

/** What there is to say of the flags of one project, by what its server said last. */
export class ProjectVerdicts {
  readonly #connection: Connection;
  #known: KnownFlags | undefined;
  readonly #verdicts = new Map<string, FlagVerdict | undefined>();
  #before: ReadonlyMap<string, FlagVerdict | undefined> = new Map();
  /** Names that the server does not list and of which it is known whether they are archived. */
  readonly #settled = new Set<string>();
  readonly #hints = new Map<string, string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Takes what the connection has read. False when that is nothing new; what was known stays while the server does not answer. */
  learn({ asked, lifetimes }: Notes): boolean {
    const { session, project } = this.#connection;
    const snapshot = session?.store.hasRead === true ? session.store.snapshot : undefined;
    if (snapshot === undefined) return false;
    const { flags, archived } = snapshot;
    const known = this.#known;
    if (known?.flags === flags && known.archived === archived && known.asked === asked && known.lifetimes === lifetimes) return false;
    const isSameNames = known?.flags.size === flags.size && [...flags.keys()].every((name) => known.flags.has(name));
    if (!isSameNames) this.#hints.clear();
    for (const name of this.#settled) if (flags.has(name)) this.#settled.delete(name);
    this.#known = { project, flags, archived, asked, lifetimes };
    this.#before = new Map(this.#verdicts);
    this.#verdicts.clear();
    return true;
  }

  has(flag: string): boolean {
    return this.#known?.flags.has(flag) === true;
  }

  /** Of these flags those of which something else is to be said than before the last `learn`. */
  changedAmong(flags: readonly string[]): readonly string[] {
    return [...new Set(flags)].filter((flag) => {
      const [now, before] = [this.of(flag), this.#before.get(flag)];
      return now?.message !== before?.message || now?.code !== before?.code;
    });
  }

  of(flag: string): FlagVerdict | undefined {
    const known = this.#known;
    if (known === undefined || this.#isOpen(flag, known)) return undefined;
    if (this.#verdicts.has(flag)) return this.#verdicts.get(flag);
    const verdict = flagVerdict(flag, known, Date.now(), (name) => this.#hint(name, known));
    this.#verdicts.set(flag, verdict);
    return verdict;
  }

  unsettled(flags: readonly string[]): readonly string[] {
    const known = this.#known;
    return known === undefined ? [] : [...new Set(flags)].filter((flag) => this.#isOpen(flag, known));
  }

  /** Asks the server whether these names are archived. False when it did not answer. */
  async settle(flags: readonly string[]): Promise<boolean> {
    if (await this.#connection.session?.store.learnArchived(flags) !== true) return false;
    for (const flag of flags) {
      this.#settled.add(flag);
      this.#verdicts.delete(flag);
    }
    return true;
  }

  #isOpen(flag: string, { flags, archived }: KnownFlags): boolean {
    return !flags.has(flag) && !archived.has(flag) && !this.#settled.has(flag);
  }

  #hint(name: string, { flags }: KnownFlags): string {
    const known = this.#hints.get(name);
    if (known !== undefined) return known;
    const hint = this.#hints.size < MOST_HINTS ? didYouMean(name, flags.keys()) : '';
    if (this.#hints.size < MOST_HINTS) this.#hints.set(name, hint);
    return hint;
  }
}

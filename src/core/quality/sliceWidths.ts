/** So many windows of slices are held before older ones are put together. */
const MOST = 50_000;
/** To put some together is worth its time where so much or less is left. */
const FEWER = 0.9;
/** How much wider they are then, and from which width on they stay as they are, in milliseconds: of windows of 5 minutes there are hours, halves of days and six days. */
const [WIDER, WIDE_MS] = [12, 604_800_000];

/** What is known of widths, to go on from later. */
export interface SavedWidths {
  readonly until: readonly number[];
  readonly most: number;
}

/**
 * How wide windows of slices are. Slices inform only, and a source may have 50 of them for each window of all records, for months: so that memory stays flat, the older they are the wider they become, where there are many. Windows of all
 * records, which decide, stay as they are declared.
 */
export class SliceWidths {
  /** As declared, then each 12 times the one before. */
  readonly #widths: readonly number[];
  /** Before which time windows are at least as wide as the second width, the third and so on: ever earlier ones, each the end of a window of that width. In milliseconds since 1970. */
  readonly #until: number[];
  /** How many windows there are, and may be until some are put together. */
  #held = 0;
  #most: number;

  constructor(windowMs: number, saved?: SavedWidths) {
    const widths = [windowMs];
    for (let width = windowMs; width < WIDE_MS; width = widths.at(-1) ?? WIDE_MS) widths.push(WIDER * width);
    this.#widths = widths;
    this.#until = [...saved?.until ?? widths.slice(1).map(() => 0)];
    this.#most = saved?.most ?? MOST;
  }

  get saved(): SavedWidths {
    return { until: this.#until, most: this.#most };
  }

  /** The begin of the window that a time is in, in milliseconds since 1970. */
  startOf(at: number): number {
    const width = this.widthAt(at);
    return Math.floor(at / width) * width;
  }

  /** In milliseconds. */
  widthAt(at: number): number {
    return this.#widths[this.#levelOf(at)] ?? Number.NaN;
  }

  /** Which of the widths. */
  #levelOf(at: number): number {
    let level = 0;
    while (at < (this.#until[level] ?? Number.NEGATIVE_INFINITY)) level += 1;
    return level;
  }

  begun(): void {
    this.#held += 1;
  }

  get isFull(): boolean {
    return this.#held > this.#most;
  }

  /**
   * Of the width that most windows have, lets the older half have the next one.
   *
   * @param starts of all windows, in milliseconds since 1970
   */
  widen(starts: readonly number[]): void {
    const levels = this.#until.map(() => [] as number[]);
    for (const start of starts) levels[this.#levelOf(start)]?.push(start);
    const level = levels.reduce((most, { length }, index) => (length > (levels[most]?.length ?? 0) ? index : most), 0);
    const own = (levels[level] ?? []).sort((a, b) => a - b);
    const width = this.#widths[level + 1] ?? Number.NaN;
    this.#until[level] = Math.max(this.#until[level] ?? 0, Math.floor((own[own.length >> 1] ?? 0) / width) * width);
  }

  /** Says how many are left. Where they are hardly fewer, as of many services at the same hour, there may be more. */
  widened(held: number): void {
    [this.#held, this.#most] = [held, held <= FEWER * this.#held ? MOST : Math.max(MOST, 2 * held)];
  }
}

import type { Batch, BatchRows } from '../../core/quality/batch.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { Stager, type StagerOptions } from '../../core/quality/stager.ts';
import type { FoundFile } from './files.ts';
import { RangeStaging } from './rangeStaging.ts';
import { stagedRows, Staging, type StagedApart } from './staging.ts';
import { wantedBy } from './wanted.ts';

/** What was staged of a part of a log. */
export interface StagedPart {
  readonly rows: BatchRows;
  readonly apart: readonly StagedApart[];
  /** How many lines or rows the part had, with the last of it. */
  readonly over?: number;
}

/** Stages ranges of lines in the thread that counts, to be counted when it is their turn. */
export class OwnStaging {
  readonly #ranges: RangeStaging;
  readonly #staging: Staging;
  /** Batches that hold nothing. */
  readonly #spare: Batch[] = [];
  readonly #held = new Map<BatchRows, Batch>();
  #staged: StagedPart[] = [];

  constructor(definition: QualityDefinition, options: StagerOptions) {
    const stager = new Stager(definition, options, { most: stagedRows(options.features) });
    this.#staging = new Staging(stager, (batch, apart) => {
      this.#held.set(batch, batch);
      this.#staged.push({ rows: batch, apart });
      return this.#spare.pop() ?? stager.another();
    });
    this.#ranges = new RangeStaging(wantedBy(definition, options.features), this.#staging);
  }

  /** How many batches are not given back. */
  get held(): number {
    return this.#held.size;
  }

  /** @throws as `RangeStaging` */
  stage(file: FoundFile, range: { readonly from: number; readonly to: number }): readonly StagedPart[] {
    const over = this.#ranges.stage(file, range);
    this.#staging.close();
    const staged = this.#staged.map((part, index, all) => (index === all.length - 1 ? { ...part, over } : part));
    this.#staged = [];
    return staged;
  }

  /** Its rows are counted. */
  giveBack(rows: BatchRows): void {
    const batch = this.#held.get(rows);
    this.#held.delete(rows);
    if (batch !== undefined) this.#spare.push(batch);
  }

  close(): void {
    this.#ranges.close();
  }
}

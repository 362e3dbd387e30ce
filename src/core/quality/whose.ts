import type { Batch } from './batch.ts';

/** The fields of a record that say whose answer it is. */
export const WHOSE_FIELDS: ReadonlySet<string> = new Set(['environment', 'service', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback']);

/** What was found of records that all say the same of whose they are: who reads them keeps it, so that it is found once for a batch. */
export class Whose {
  #batch: Batch | undefined;
  #begun = -1;
  /** The place of its arm, and of its version, in the batch. */
  arm = 0;
  version = 0;

  isOf(batch: Batch): boolean {
    return this.#batch === batch && this.#begun === batch.begun;
  }

  /** A prediction that was served of a flag that is asked for. */
  found(batch: Batch, arm: number, version: number): void {
    [this.#batch, this.#begun, this.arm, this.version] = [batch, batch.begun, arm, version];
  }
}

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from './guardSimulation.ts';

export interface LiveOptions {
  readonly flag: string;
  readonly share?: number;
  readonly candidateErrors?: number;
  readonly currentErrors?: number;
  /** Factor on the income that the service sees, against that of the training data. */
  readonly drift?: number;
}

/** A service that logs as one does: a hundred answers a second, a tenth of them with a shadow answer. */
export class LiveRecords {
  readonly #folder: string;
  readonly #options: Required<LiveOptions>;
  readonly #random = seeded(11);
  #last: number;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Writes the training data, and records of `seconds` beginning at `from`. */
  constructor(folder: string, from: number, seconds: number, { flag, share = 0.25, candidateErrors = 0.02, currentErrors = 0.02, drift = 1 }: LiveOptions) {
    this.#folder = folder;
    this.#options = { flag, share, candidateErrors, currentErrors, drift };
    this.#last = from;
    for (const name of ['logs', 'data']) mkdirSync(join(folder, name), { recursive: true });
    const rows = Array.from({ length: 4000 }, () => `${this.#income(1)},${18 + Math.floor(this.#random() * 60)},${this.#country()}`);
    writeFileSync(join(folder, 'data', 'train.csv'), `income,age,country\n${rows.join('\n')}\n`);
    this.#write(from + 1000 * seconds);
  }

  start(): void {
    this.#timer = setInterval(() => this.#write(Date.now()), 500);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #income(factor: number): number {
    return Math.round(factor * (1500 + 3000 * (this.#random() + this.#random())));
  }

  #country(): string {
    return ['DE', 'FR', 'US'][Math.floor(this.#random() * 3)] ?? 'DE';
  }

  #write(until: number): void {
    const { flag, share, candidateErrors, currentErrors, drift } = this.#options;
    const lines: string[] = [];
    for (; this.#last + 10 <= until; this.#last += 10) {
      const unit = Math.floor(this.#random() * 50_000);
      const isCandidate = ((unit * 7919) % 10_007) / 10_007 < share;
      const score = Math.round(1e4 * Math.min(0.999, this.#random() ** 2 + (isCandidate ? 0.05 : 0))) / 1e4;
      const request_id = `r-${(this.#count += 1)}`;
      const record = {
        ts: new Date(this.#last).toISOString(), request_id, unit_id: `u-${unit}`, environment: 'production', service: 'credit', flag, assigned_arm: isCandidate ? 'candidate' : 'current', model_version: isCandidate ? '14' : '13',
        role: 'serving', features: { income: this.#income(drift), age: 18 + Math.floor(this.#random() * 60), country: this.#country() },
        score, latency_ms: Math.round(100 * (5 + 20 * this.#random() ** 3)) / 100, error: this.#random() < (isCandidate ? candidateErrors : currentErrors) ? 'timeout' : null,
      };
      lines.push(JSON.stringify(record));
      if (!isCandidate && this.#count % 10 === 0) lines.push(JSON.stringify({ ...record, role: 'shadow', assigned_arm: 'candidate', model_version: '14', error: null, score: Math.round(1e4 * Math.min(0.999, score + 0.1 * this.#random())) / 1e4 }));
    }
    if (lines.length > 0) appendFileSync(join(this.#folder, 'logs', 'predictions-1.jsonl'), `${lines.join('\n')}\n`);
  }
}

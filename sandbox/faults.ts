import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from './processes.ts';

/** Faults of the demo's service; `live.py` does them. */
export interface Faults {
  /** Share of answers that fail, per arm. */
  readonly degrade?: Readonly<Record<string, number>>;
  /** Share of answers that are logged as failed, per arm, though they are given. */
  readonly errors?: Readonly<Record<string, number>>;
  /** Milliseconds that each answer takes longer, per arm. */
  readonly delay?: Readonly<Record<string, number>>;
  /** Features that grow by the factor 1.6. */
  readonly drift?: readonly string[];
  /** Arms that log nothing. */
  readonly silence?: readonly string[];
  /** Outcomes come after ten minutes, not after five seconds. */
  readonly labelsLate?: boolean;
}

/** The demo's options for faults, for `parseArgs`. */
export const FAULT_OPTIONS = {
  degrade: { type: 'string', multiple: true },
  errors: { type: 'string', multiple: true },
  delay: { type: 'string', multiple: true },
  drift: { type: 'string', multiple: true },
  silence: { type: 'string', multiple: true },
  'labels-late': { type: 'boolean' },
} as const;

export const FAULT_USAGE = '[--degrade ARM=SHARE] [--errors ARM=SHARE] [--delay ARM=MS] [--drift FEATURE] [--silence ARM] [--labels-late]';

const ARMS = ['current', 'candidate'];
const FEATURES = ['income', 'debt_ratio', 'utilization', 'late_payments', 'history_months', 'loan_amount', 'loan_months'];

function perArm(option: string, written: readonly string[], most: number): Record<string, number> {
  return Object.fromEntries(written.map((each): [string, number] => {
    const [, arm = '', number = ''] = /^(\w+)=([\d.]+)$/.exec(each) ?? [];
    if (!ARMS.includes(arm) || !(Number(number) >= 0 && Number(number) <= most)) throw new SandboxError(`--${option} takes ARM=NUMBER with an arm of ${ARMS.join(', ')} and a number from 0 to ${most}, such as candidate=${most === 1 ? '0.04' : '80'}, not "${each}".`);
    return [arm, Number(number)];
  }));
}

function known(option: string, written: readonly string[], names: readonly string[]): readonly string[] {
  const wrong = written.find((each) => !names.includes(each));
  if (wrong !== undefined) throw new SandboxError(`--${option} takes one of ${names.join(', ')}, not "${wrong}".`);
  return written;
}

/** @throws SandboxError naming the option that is wrong */
export function readFaults(options: { readonly degrade?: string[] | undefined; readonly errors?: string[] | undefined; readonly delay?: string[] | undefined; readonly drift?: string[] | undefined; readonly silence?: string[] | undefined; readonly 'labels-late'?: boolean | undefined }): Faults {
  return {
    degrade: perArm('degrade', options.degrade ?? [], 1),
    errors: perArm('errors', options.errors ?? [], 1),
    delay: perArm('delay', options.delay ?? [], 10_000),
    drift: known('drift', options.drift ?? [], FEATURES),
    silence: known('silence', options.silence ?? [], ARMS),
    labelsLate: options['labels-late'] === true,
  };
}

/** Writes the file of faults into a folder, whole or not at all: the service reads it at every answer. Gives its path. */
export function writeFaults(dir: string, faults: Faults): string {
  const path = join(dir, 'faults.json');
  writeFileSync(`${path}.new`, JSON.stringify(faults));
  renameSync(`${path}.new`, path);
  return path;
}
